"""A composed configuration -> everything that is wrong with it, before anything heavy is imported.

Signatures and guard clauses are read from source: they are the only schema. A false alarm is worse than a miss.
"""

import ast
from typing import Any

from .annotations import choices, fits
from .compose import MISSING, Composed, hint, options
from .guards import refusals
from .origins import Key, Origins
from .published import published
from .refused_features import argument_refusal, callback_refusal
from .signature import Signature, signature
from .source import NameMissingError

_OF_HYDRA = {"_target_", "_args_", "_partial_", "_recursive_", "_convert_"}
# What the worker gives to every logger and callback.
_OF_WORKER = {"logger": ["save_dir", "id", "name"], "callbacks": ["monitor", "mode"]}


def problems(composed: Composed) -> list[str]:
    """What is wrong with a configuration, a line or two for each mistake."""
    check = _Check(composed)
    check.call(f"{__package__}.experiment.Experiment", composed.config, (), is_complete=True)
    check.descend(composed.config, (), is_complete=True)
    return list(dict.fromkeys(check.found))


class _Check:
    def __init__(self, composed: Composed) -> None:
        self.composed, self.origins, self.found = composed, Origins(composed), []
        data = composed.config.get("data")
        self.data = str(data.get("_target_")) if isinstance(data, dict) else ""
        self.published = published(self.data) if self.data else None

    def report(self, key: Key, text: str, value: Any = None) -> None:
        dotted = ".".join(map(str, key))
        if origin := self.origins.override(key):
            is_exact = origin.lstrip("+").partition("=")[0] == dotted
            self.found.append(f"override  {origin}: {'' if is_exact else dotted + ': '}{text}")
        else:
            shown = "" if isinstance(value, dict) else f" = {_shown(value)}"
            line = self.origins.line(key)
            self.found.append(f"{line + '  ' if line else ''}{dotted}{shown}: {text}")

    def descend(self, node: Any, key: Key, is_complete: bool, owner: str = "") -> None:
        """Checks a part of the configuration; `is_complete` unless something else gives the missing arguments."""
        if isinstance(node, dict):
            target = node.get("_target_", MISSING)
            if target != MISSING:
                owner = str(target).rpartition(".")[2]
                if key[:1] == ("callbacks",) and (refusal := callback_refusal(str(target))):
                    self.report((*key, "_target_"), refusal, target)
                self.call(target, node, key, is_complete and not node.get("_partial_"))
            for name, value in node.items():
                if key == ("trainer",) and (refusal := argument_refusal(name, value)):
                    self.report((*key, name), refusal, value)
                self.descend(value, (*key, name), is_complete and node.get("_recursive_") is not False, owner)
        elif isinstance(node, list):
            for place, value in enumerate(node):
                self.descend(value, (*key, place), is_complete, owner)
        elif node == MISSING and not self.is_given(key):
            self.report(key, self.needed(key, owner), node)

    def call(self, target: Any, node: dict[str, Any], key: Key, is_complete: bool) -> None:
        try:
            known = signature(target) if isinstance(target, str) else None
        except NameMissingError as error:
            place = f"in {error.place}" if error.place else "among the installed packages"
            text = f"there is no {error.name!r} {place}{hint(error.name, error.choices)}"
            self.report((*key, "_target_"), text, target)
            return
        if not known or node.get("_args_"):
            return
        given = {name: value for name, value in node.items() if name not in _OF_HYDRA}
        meant = self.unknown(known, given, key)
        for name, parameter in known.parameters.items() if is_complete else ():
            if parameter.is_required and name not in {*given, *meant} and not self.is_given((*key, name)):
                self.missing(known, key, name)
        mistyped = {name for name, value in given.items() if self.mistyped(known, (*key, name), value)}
        plain = {name: ... if name in mistyped or not _is_plain(value) else value for name, value in given.items()}
        later = {} if is_complete else dict.fromkeys(known.parameters, ...)
        for name, message in refusals(known, later | plain):
            self.report((*key, name if name in given else "_target_"), message, given.get(name, target))

    def unknown(self, known: Signature, given: dict[str, Any], key: Key) -> set[str]:
        """Reports arguments that do not exist and returns those that were probably meant."""
        candidates = [*known.parameters, *(() if key else options(self.composed.root))]
        meant = set()
        for name in () if known.is_open else given.keys() - known.parameters.keys():
            owner = f"{known.name} has no argument" if key else "there is no setting"
            near = hint(name, candidates)
            if deeper := _below(given, str(name)):
                near = f"; did you mean {'.'.join(map(str, (*key, *deeper)))!r}?"
            self.report((*key, name), f"{owner} {name!r}{near}", given[name])
            meant |= {candidate for candidate in candidates if near == f"; did you mean {candidate!r}?"}
        return meant

    def missing(self, known: Signature, key: Key, name: str) -> None:
        if key:
            self.report((*key, "_target_"), self.needed((*key, name), known.name), known.name)
        elif "name" in self.composed.config:
            self.found.append(f"the configuration has no {name!r}")
        elif name == "name":
            experiments = ", ".join(option for option, _ in options(self.composed.root).get("experiment", []))
            self.found.append(f"no experiment is chosen; add experiment=NAME, one of {experiments}")

    def mistyped(self, known: Signature, key: Key, value: Any) -> bool:
        parameter = known.parameters.get(str(key[-1]))
        if not parameter or value == MISSING or fits(value, parameter):
            return False
        wanted = ast.unparse(parameter.annotation) if parameter.annotation else ""
        if allowed := choices(parameter):
            near = hint(str(value), allowed)
            wanted = f"one of {', '.join(allowed)}{near if 'mean' in near else ''}"
        self.report(key, f"{known.name} wants {wanted}", value)
        return True

    def is_given(self, key: Key) -> bool:
        """Whether the worker gives this argument, or may do so."""
        if key[0] == "model":
            return self.published is None or key[-1] in self.published
        return key[-1] in _OF_WORKER.get(str(key[0]), [])

    def needed(self, key: Key, owner: str) -> str:
        if key[0] == "model" and self.published is not None:
            return (
                f"{owner} needs {key[-1]!r}, which {self.data.rpartition('.')[2]} does not publish "
                f"(it publishes {', '.join(self.published)}): is this a model for other data?"
            )
        path = ".".join(map(str, key))
        return f"{owner} needs {key[-1]!r}; give {path}=VALUE" if owner else f"a value is missing; give {path}=VALUE"


def _below(node: dict[str, Any], name: str) -> Key:
    """Where a part of a configuration has a setting of that name further down; () where it has none."""
    for key, value in node.items():
        if isinstance(value, dict) and (found := (name,) if name in value else _below(value, name)):
            return (key, *found)
    return ()


def _is_plain(value: Any) -> bool:
    """Whether the constructor receives the value as it stands."""
    if isinstance(value, dict):
        return "_target_" not in value and all(map(_is_plain, value.values()))
    return all(map(_is_plain, value)) if isinstance(value, list) else value != MISSING


def _shown(value: Any) -> str:
    """As YAML writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
