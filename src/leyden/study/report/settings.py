"""The settings of a run: first those that its command set, then all of them by group, with a search field."""

from typing import Any

from ..records import flat
from .elements import Html, details, element, html, section, table
from .run_files import RunFiles, as_text

HIDDEN = ("runs",)  # a local path


def settings(run: RunFiles) -> Html:
    """Return the section."""
    if not run.config:
        return section("Settings", element("p", "The configuration of this run is missing or damaged."))
    flattened = dict(flat(run.config))
    words = {
        name.lstrip("+~"): value for name, equals, value in (word.partition("=") for word in run.command[2:]) if equals
    }
    given = {name: value for name, value in flattened.items() if any(_is_set(name, word) for word in words)}
    parts = [search("Find a setting")]
    if given:
        parts.append(details("Set by the command", _rows(given), open=True))
    choices = {
        name: value
        for name, value in words.items()
        if not any(_is_set(one, name) for one in flattened) and name not in HIDDEN
    }
    if choices:
        parts.append(details("Chosen by the command", _rows(choices), open=True))
    groups: dict[str, dict[str, Any]] = {}
    for name, value in flattened.items():
        group = name.partition(".")[0]
        groups.setdefault(group if isinstance(run.config.get(group), dict) else "general", {})[name] = value
    folded = [details(f"{group} ({len(values)})", _rows(values)) for group, values in groups.items()]
    sentence = (
        "All settings of the run, as frozen in config.yaml. ??? marks values that are inferred from the data. Local "
        "paths are shortened and shell commands of the launcher are left out, as in uploads."
    )
    return section("Settings", *parts, *folded, sentence=sentence)


def search(label: str) -> Html:
    """Return a field that filters the rows of its section; it needs scripts, so it is hidden without them."""
    field = element("input", type="search", placeholder="all words, in any order", autocomplete="off")
    return element("div", element("label", f"{label} ", field), element("output"), class_="tools", hidden=True)


def _is_set(name: str, word: str) -> bool:
    """Whether a word of the command sets a setting, or a node that it is part of."""
    return name == word or (name.startswith(f"{word}.") and "." in word)


def _rows(values: dict[str, Any]) -> Html:
    rows = [(element("code", name), element("code", html(as_text(value)))) for name, value in values.items()]
    return table(["setting", "value"], rows)
