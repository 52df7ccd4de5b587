"""A composed configuration -> everything that is wrong with it, before anything heavy is imported.

Signatures and guard clauses are read from source: they are the only schema. A false alarm is worse than a miss.
"""

import ast
from collections.abc import Iterable
from functools import reduce
from operator import getitem
from typing import Any

from .annotations import choices, fits
from .compose import MISSING, Composed, hint, options
from .guards import refusals
from .origins import Key, Origins
from .published import published
from .signature import Parameter, Signature, signature
from .source import NameMissingError

_OF_HYDRA = {"_target_", "_args_", "_partial_", "_recursive_", "_convert_"}
# What the worker gives to every logger.
_OF_WORKER = {"logger": ("save_dir", "id", "name")}


def problems(composed: Composed, root_target: str = f"{__package__}.experiment.Experiment") -> list[str]:
    """What is wrong with a configuration, a line or two for each mistake.

    Args:
        composed: the configuration and where its values come from.
        root_target: the class whose arguments are the top-level keys.
    """
    check = _Check(composed)
    check.call(root_target, composed.config, ())
    check.descend(composed.config, (), is_complete=True)
    return check.found


class _Check:
    def __init__(self, composed: Composed) -> None:
        self.composed, self.origins, self.found = composed, Origins(composed), []
        data = composed.config.get("data")
        target = str(data.get("_target_")) if isinstance(data, dict) else ""
        self.data, self.published = target.rpartition(".")[2], published(target) if target else None

    def report(self, key: Key, text: str, value: Any = None) -> None:
        dotted = ".".join(map(str, key))
        origin = self.origins.override(key)
        if origin:
            is_exact = origin.lstrip("+").partition("=")[0] == dotted
            line = f"override  {origin}: {'' if is_exact else dotted + ': '}{text}"
        else:
            shown = "" if isinstance(value, dict) else f" = {_shown(value)}"
            line = "  ".join(part for part in (self.origins.line(key), f"{dotted}{shown}: {text}") if part)
        if line not in self.found:
            self.found.append(line)

    def descend(self, node: Any, key: Key, is_complete: bool) -> None:
        """Checks a part of the configuration; `is_complete` unless something else gives the missing arguments."""
        if isinstance(node, dict):
            target = node.get("_target_", MISSING)
            if target != MISSING:
                self.call(target, node, key, is_complete and not node.get("_partial_"))
            for name, value in node.items():
                self.descend(value, (*key, name), is_complete and node.get("_recursive_") is not False)
        elif isinstance(node, list):
            for place, value in enumerate(node):
                self.descend(value, (*key, place), is_complete)
        elif node == MISSING and not self.is_given(key):
            parent = self.value(key[:-1])
            owner = str(parent.get("_target_", "")).rpartition(".")[2] if isinstance(parent, dict) else ""
            text = (
                owner and self.unpublished(key, owner)
            ) or f"a value is missing; give {'.'.join(map(str, key))}=VALUE"
            self.report(key, text, node)

    def call(self, target: Any, node: dict[str, Any], key: Key, is_complete: bool = True) -> None:
        try:
            known = signature(target) if isinstance(target, str) else None
        except NameMissingError as error:
            place = f"in {error.place}" if error.place else "among the installed packages"
            text = f"there is no {error.name!r} {place}{hint(error.name, error.choices)}"
            self.report((*key, "_target_"), text, target)
            return
        if not known:
            return
        given = {name: value for name, value in node.items() if name not in _OF_HYDRA}
        meant = self.unknown(known, given, key)
        if is_complete and not node.get("_args_"):
            for name, parameter in known.parameters.items():
                if parameter.is_required and name not in {*given, *meant} and not self.is_given((*key, name)):
                    self.missing(known, key, name)
        mistyped = {name for name, value in given.items() if self.mistyped(known, (*key, name), value)}
        plain = {name: ... if name in mistyped or not _is_plain(value) else value for name, value in given.items()}
        later = {} if is_complete else dict.fromkeys(known.parameters, ...)
        for refusal in refusals(known, later | plain):
            name = next((name for name in refusal.names if name in given), None)
            self.report((*key, name or "_target_"), refusal.message, given[name] if name else target)

    def unknown(self, known: Signature, given: Iterable[str], key: Key) -> set[str]:
        """Reports arguments that do not exist and returns those that were probably meant."""
        names = [name for name, parameter in known.parameters.items() if not parameter.is_positional_only]
        meant = set()
        for name in () if known.is_open else given:
            if name not in names:
                candidates = names if key else [*names, *options(self.composed.root)]
                near = hint(name, candidates)
                owner = f"{known.name} has no argument" if key else "there is no setting"
                self.report((*key, name), f"{owner} {name!r}{near}", self.value((*key, name)))
                meant |= {candidate for candidate in candidates if near == f"; did you mean {candidate!r}?"}
        return meant

    def missing(self, known: Signature, key: Key, name: str) -> None:
        path = ".".join(map(str, (*key, name)))
        if key:
            text = self.unpublished((*key, name), known.name) or f"{known.name} needs {name!r}; give {path}=VALUE"
            self.report((*key, "_target_"), text, self.value((*key, "_target_")))
        elif "name" in self.composed.config:
            self.found.append(f"the configuration has no {name!r}")
        elif name == "name":
            experiments = ", ".join(option for option, _ in options(self.composed.root).get("experiment", []))
            self.found.append(f"no experiment is chosen; add experiment=NAME, one of {experiments}")

    def mistyped(self, known: Signature, key: Key, value: Any) -> bool:
        parameter = known.parameters.get(str(key[-1]))
        if not parameter or value == MISSING or (isinstance(value, dict) and "_target_" in value):
            return False
        if fits(value, parameter):
            return False
        self.report(key, f"{known.name} wants {_wanted(parameter, value)}", value)
        return True

    def is_given(self, key: Key) -> bool:
        """Whether the worker gives this argument, or may do so."""
        if key[0] == "model" and self.published is None:
            return True
        provided = self.published or () if key[0] == "model" else _OF_WORKER.get(str(key[0]), ())
        return key[-1] in provided

    def unpublished(self, key: Key, owner: str) -> str:
        """The sentence for an argument of the model that the data ought to give."""
        if key[0] != "model" or self.published is None:
            return ""
        return (
            f"{owner} needs {key[-1]!r}, which {self.data} does not publish "
            f"(it publishes {', '.join(self.published)}): is this a model for other data?"
        )

    def value(self, key: Key) -> Any:
        return reduce(getitem, key, self.composed.config)  # pyrefly: ignore


def _is_plain(value: Any) -> bool:
    """Whether the constructor receives the value as it stands."""
    if isinstance(value, dict):
        return "_target_" not in value and all(map(_is_plain, value.values()))
    return all(map(_is_plain, value)) if isinstance(value, list) else value != MISSING


def _shown(value: Any) -> str:
    """As YAML writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _wanted(parameter: Parameter, value: Any) -> str:
    if allowed := list(dict.fromkeys(map(str, choices(parameter)))):
        near = hint(str(value), allowed)
        return f"one of {', '.join(allowed)}{near if 'mean' in near else ''}"
    assert parameter.annotation
    return ast.unparse(parameter.annotation)
