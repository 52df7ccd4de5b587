"""A composed configuration -> everything that is wrong with it, before anything heavy is imported.

Signatures and guard clauses are read from source: they are the only schema. A false alarm is worse than a miss.
"""

from typing import Any

from ..errors import hint
from .compose import Composed, options
from .data_paths import missing_paths
from .origins import Key, Origins
from .redaction import CREDENTIALS, has_credentials
from .refused_callbacks import callback_refusal
from .run_length import endless
from .setting_values import below, is_plain, shown, wanted
from .static.annotations import fits, is_asked, is_called, is_object
from .static.guards import refusals
from .static.provides import provided
from .static.signature import Signature, signature
from .static.source import NameMissingError
from .targets import MISSING, OF_HYDRA, TargetError, misused, read_target
from .trainer_arguments import HARMLESS, REFUSED

# Parts of a configuration that are objects.
OBJECTS = ("data", "model", "trainer", "launcher", "checkpoint")
# What the worker gives to every logger and callback.
_OF_WORKER = {"logger": ["save_dir", "id", "name"], "callbacks": ["monitor", "mode"]}


def problems(composed: Composed, looks_for_files: bool = True) -> list[str]:
    """What is wrong with a configuration, a line or two for each mistake.

    Args:
        composed: the configuration.
        looks_for_files: whether the data's files and folders have to be there already.
    """
    check = _Check(composed)
    check.call(f"{__package__}.experiment.Experiment", composed.config, (), is_complete=True)
    check.descend(composed.config, (), is_complete=True)
    check.credentials(composed.frozen, ())
    if text := endless(composed.config):
        check.report(("trainer", "max_epochs"), text, composed.config["trainer"].get("max_epochs"))
    if looks_for_files:
        check.files()
    return list(dict.fromkeys(check.found))


class _Check:
    def __init__(self, composed: Composed) -> None:
        self.composed, self.origins, self.found = composed, Origins(composed), []
        self.called_later: dict[Key, str] = {}  # nodes whose object has to be a function, and whose argument it is
        data = composed.config.get("data")
        self.data = str(data.get("_target_")) if isinstance(data, dict) else ""
        self.provided = provided(self.data) if self.data else None

    def files(self) -> None:
        """Reports files and folders of the data that are not there."""
        data, launcher = self.composed.config.get("data"), self.composed.config.get("launcher")
        try:
            known = signature(self.data) if self.data else None
        except NameMissingError:
            return
        if not known or not isinstance(data, dict):
            return
        is_here = not isinstance(launcher, dict) or not str(launcher.get("_target_")).endswith("Slurm")
        arguments = known.defaults() | data
        for name, text in missing_paths(self.data, arguments, self.composed.root, is_here):
            self.report(("data", name), text, arguments[name])

    def report(self, key: Key, text: str, value: Any = None) -> None:
        dotted = ".".join(map(str, key))
        if origin := self.origins.override(key):
            is_exact = origin.lstrip("+").partition("=")[0] == dotted
            self.found.append(f"override  {origin}: {'' if is_exact else dotted + ': '}{text}")
        else:
            text_of_value = "" if isinstance(value, dict) else f" = {shown(value)}"
            line = self.origins.line(key)
            self.found.append(f"{line + '  ' if line else ''}{dotted}{text_of_value}: {text}")

    def descend(self, node: Any, key: Key, is_complete: bool, owner: str = "") -> None:
        """Checks a part of the configuration; `is_complete` unless something else gives the missing arguments."""
        if isinstance(node, dict):
            for name, text in misused(node):
                self.report((*key, name), text, node[name])
            target = node.get("_target_", MISSING)
            if "_target_" in node and target != MISSING:
                owner = str(target).rpartition(".")[2]
                if key[:1] == ("callbacks",) and (text := callback_refusal(str(target))):
                    self.report((*key, "_target_"), text, target)
                self.call(target, node, key, is_complete and node.get("_partial_") is not True)
            for name, value in node.items():
                self.descend(value, (*key, name), is_complete and node.get("_recursive_") is not False, owner)
            self.parts(node, key)
        elif isinstance(node, list):
            for place, value in enumerate(node):
                self.descend(value, (*key, place), is_complete, owner)
        elif node == MISSING and not self.is_given(key):
            self.report(key, self.needed(key, owner), node)

    def credentials(self, node: Any, key: Key) -> None:
        """Reports passwords and tokens in addresses, which a run would keep and show."""
        if isinstance(node, dict | list):
            for name, value in node.items() if isinstance(node, dict) else enumerate(node):
                self.credentials(value, (*key, name))
        elif isinstance(node, str) and has_credentials(node):
            discreet = CREDENTIALS.sub("***", node)
            text = "an address must not hold a password or token, which the run would keep: put it into an environment"
            self.found.append(
                f"{'.'.join(map(str, key))} = {discreet}: {text} variable X, and write ${{oc.env:X}} for it"
            )

    def parts(self, node: dict[str, Any], key: Key) -> None:
        """Reports parts of the configuration that describe no object."""
        names = OBJECTS if not key else tuple(node) if key in (("callbacks",), ("logger",)) else ()
        for name in names:
            value = node.get(name)
            is_object = isinstance(value, dict) and "_target_" in value
            if name not in node or is_object or (key and value is None):
                continue
            groups = options(self.composed.root)
            known = ", ".join(option for option, _ in groups.get(str(name), []))
            choice = (
                f"{name}=NAME, one of {known}"
                if not key and known
                else f"{'.'.join(map(str, (*key, name)))}={{_target_: ...}}"
            )
            self.report((*key, name), f"there is no class in it: give {choice}", value)

    def call(self, target: Any, node: dict[str, Any], key: Key, is_complete: bool) -> None:
        for name in REFUSED.keys() & node.keys() if key == ("trainer",) else ():
            if node[name] not in (None, HARMLESS.get(name)):
                self.report((*key, name), f"trainer.{name} {REFUSED[name]}", node[name])
        try:
            known = read_target(target)
        except TargetError as error:
            self.report((*key, "_target_"), str(error), target)
            return
        if not known:
            return
        given = {name: value for name, value in node.items() if name not in OF_HYDRA}
        meant = self.unknown(known, given, key)
        given = self.by_position(known, node.get("_args_"), given, key)
        for name, parameter in known.parameters.items() if is_complete else ():
            if parameter.is_required and name not in {*given, *meant} and not self.is_given((*key, name)):
                self.missing(known, key, name)
        mistyped = {name for name, value in given.items() if self.mistyped(known, (*key, name), value)}
        plain = {name: ... if name in mistyped or not is_plain(value) else value for name, value in given.items()}
        later = {} if is_complete else dict.fromkeys(known.parameters, ...)
        for name, message in refusals(known, later | plain):
            self.report((*key, name if name in node else "_target_"), message, given.get(name, target))

    def by_position(self, known: Signature, values: Any, given: dict[str, Any], key: Key) -> dict[str, Any]:
        """All arguments by name, those of `_args_`, too; reports those that are given twice or too many."""
        if not isinstance(values, list) or not values:
            return given
        names = [one.arg for one in known.node.args.args if one.arg in known.parameters]
        if len(values) > len(names) and not known.node.args.vararg:
            self.report((*key, "_args_"), f"{known.name} takes at most {len(names)} arguments by position", values)
        by_position = dict(zip(names, values, strict=False))
        for name in by_position.keys() & given.keys():
            self.report((*key, name), f"{known.name} gets {name!r} by _args_ already", given[name])
        return by_position | given

    def unknown(self, known: Signature, given: dict[str, Any], key: Key) -> set[str]:
        """Reports arguments that do not exist and returns those that were probably meant."""
        names = () if known.is_open else given.keys() - known.parameters.keys()
        candidates = [*known.parameters, *(options(self.composed.root) if names and not key else ())]
        meant = set()
        for name in names:
            owner = f"{known.name} has no argument" if key else "there is no setting"
            near = hint(name, candidates)
            if deeper := below(given, str(name)):
                near = f"; did you mean {'.'.join(map(str, (*key, *deeper)))!r}?"
            self.report((*key, name), f"{owner} {name!r}{near}", given[name])
            meant |= {candidate for candidate in candidates if near == f"; did you mean {candidate!r}?"}
        return meant

    def missing(self, known: Signature, key: Key, name: str) -> None:
        if owner := self.called_later.get(key):
            path = ".".join(map(str, (*key, "_partial_")))
            text = f"{owner} calls {known.name} later, with {name!r}: add {path}=true"
            self.report((*key, "_target_"), text, known.name)
        elif key:
            self.report((*key, "_target_"), self.needed((*key, name), known.name), known.name)
        elif "name" in self.composed.config:
            self.found.append(f"the configuration has no {name!r}")
        elif name == "name":
            experiments = ", ".join(option for option, _ in options(self.composed.root).get("experiment", []))
            self.found.append(f"no experiment is chosen; add experiment=NAME, one of {experiments}")

    def mistyped(self, known: Signature, key: Key, value: Any) -> bool:
        parameter = known.parameters.get(str(key[-1]))
        if not parameter or value == MISSING:
            return False
        if isinstance(value, dict) and "_target_" in value:
            if is_called(parameter):
                self.called_later[key] = known.name
            if value.get("_partial_") is True and is_object(parameter):
                self.report((*key, "_partial_"), f"{known.name} needs the object, not a function that makes it", True)
            return False
        if fits(value, parameter) or is_asked(known.node, str(key[-1]), value):
            return False
        self.report(key, f"{known.name} wants {wanted(value, parameter)}", value)
        return True

    def is_given(self, key: Key) -> bool:
        """Whether the worker gives this argument, or may do so."""
        if key[0] == "model":
            return self.provided is None or key[-1] in self.provided
        return key[-1] in _OF_WORKER.get(str(key[0]), [])

    def needed(self, key: Key, owner: str) -> str:
        path = ".".join(map(str, key))
        if key[0] == "model" and self.provided is not None:
            return (
                f"{owner} needs {key[-1]!r}, which {self.data.rpartition('.')[2]} does not provide "
                f"(it provides {', '.join(self.provided)}); give {path}=VALUE, or choose data that provides it"
            )
        return f"{owner} needs {key[-1]!r}; give {path}=VALUE" if owner else f"a value is missing; give {path}=VALUE"
