"""Check a composed configuration without importing its targets.

Signatures and guard clauses are read from source: they are the only schema. False positives are worse than misses.
"""

from typing import Any

from ..errors import hint
from .compose import Composed, options
from .data_paths import missing_paths
from .origins import Key, Origins
from .redaction import CREDENTIALS, has_credentials
from .refused_callbacks import callback_refusal
from .run_length import step_limit_error
from .setting_values import expected, format_value, is_plain, nested_key
from .static.annotations import accepts_callable, fits, is_type_checked, requires_object
from .static.guards import constructor_errors
from .static.imports import import_errors
from .static.provides import provided
from .static.signature import Signature, signature
from .static.source import NameMissingError
from .targets import HYDRA_KEYS, MISSING, TargetError, hydra_key_errors, read_target
from .trainer_arguments import HARMLESS, REFUSED

# Parts of a configuration that are objects.
OBJECTS = ("data", "model", "trainer", "launcher", "checkpoint")
# Arguments that the worker sets for every logger and callback.
_SET_BY_WORKER = {"logger": ["save_dir", "id", "name"], "callbacks": ["monitor", "mode"]}


def problems(composed: Composed, looks_for_files: bool = True) -> list[str]:
    """Return a message for each error in a configuration.

    Args:
        composed: The configuration.
        looks_for_files: Whether the files and folders of the data have to exist.
    """
    check = _Check(composed)
    check.call(f"{__package__}.experiment.Experiment", composed.config, (), is_complete=True)
    check.descend(composed.config, (), is_complete=True)
    check.credentials(composed.frozen, ())
    if text := step_limit_error(composed.config):
        check.report(("trainer", "max_epochs"), text, composed.config["trainer"].get("max_epochs"))
    if looks_for_files:
        check.files()
    return list(dict.fromkeys(check.messages))


class _Check:
    def __init__(self, composed: Composed) -> None:
        self.composed, self.origins, self.messages = composed, Origins(composed), []
        self.called_later: dict[Key, str] = {}  # nodes that have to be callables -> the class that calls them
        data = composed.config.get("data")
        self.data = str(data.get("_target_")) if isinstance(data, dict) else ""
        self.provided = provided(self.data) if self.data else None

    def files(self) -> None:
        """Report missing files and folders of the data."""
        data, launcher = self.composed.config.get("data"), self.composed.config.get("launcher")
        try:
            callee = signature(self.data) if self.data else None
        except NameMissingError:
            return
        if not callee or not isinstance(data, dict):
            return
        is_local = not isinstance(launcher, dict) or not str(launcher.get("_target_")).endswith("Slurm")
        arguments = callee.defaults() | data
        for name, text in missing_paths(self.data, arguments, self.composed.root, is_local):
            self.report(("data", name), text, arguments[name])

    def report(self, key: Key, text: str, value: Any = None) -> None:
        dotted = ".".join(map(str, key))
        if origin := self.origins.override(key):
            is_exact = origin.lstrip("+").partition("=")[0] == dotted
            self.messages.append(f"override  {origin}: {'' if is_exact else dotted + ': '}{text}")
        else:
            assignment = "" if isinstance(value, dict) else f" = {format_value(value)}"
            line = self.origins.line(key)
            self.messages.append(f"{line + '  ' if line else ''}{dotted}{assignment}: {text}")

    def descend(self, node: Any, key: Key, is_complete: bool, owner: str = "") -> None:
        """Check a node recursively; `is_complete` unless missing arguments are passed later."""
        if isinstance(node, dict):
            for name, text in hydra_key_errors(node):
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
            for index, value in enumerate(node):
                self.descend(value, (*key, index), is_complete, owner)
        elif node == MISSING and not self.is_given(key):
            self.report(key, self.needed(key, owner), node)

    def credentials(self, node: Any, key: Key) -> None:
        """Report passwords and tokens in URLs, which a run would store and log."""
        if isinstance(node, dict | list):
            for name, value in node.items() if isinstance(node, dict) else enumerate(node):
                self.credentials(value, (*key, name))
        elif isinstance(node, str) and has_credentials(node):
            redacted = CREDENTIALS.sub("***", node)
            text = "a URL must not contain a password or token, which the run would store: put it into an environment"
            self.messages.append(f"{'.'.join(map(str, key))} = {redacted}: {text} variable X and use ${{oc.env:X}}")

    def parts(self, node: dict[str, Any], key: Key) -> None:
        """Report nodes that have to describe an object and have no `_target_`."""
        names = OBJECTS if not key else tuple(node) if key in (("callbacks",), ("logger",)) else ()
        for name in names:
            value = node.get(name)
            is_object = isinstance(value, dict) and "_target_" in value
            if name not in node or is_object or (key and value is None):
                continue
            groups = options(self.composed.root)
            names = ", ".join(option for option, _ in groups.get(str(name), []))
            choice = (
                f"{name}=NAME, one of {names}"
                if not key and names
                else f"{'.'.join(map(str, (*key, name)))}={{_target_: ...}}"
            )
            self.report((*key, name), f"it has no _target_: set {choice}", value)

    def call(self, target: Any, node: dict[str, Any], key: Key, is_complete: bool) -> None:
        for name in REFUSED.keys() & node.keys() if key == ("trainer",) else ():
            if node[name] not in (None, HARMLESS.get(name)):
                self.report((*key, name), f"trainer.{name} {REFUSED[name]}", node[name])
        try:
            callee = read_target(target)
        except TargetError as error:
            self.report((*key, "_target_"), str(error), target)
            return
        for text in import_errors(str(target)):
            self.report((*key, "_target_"), text, target)
        if not callee:
            return
        given = {name: value for name, value in node.items() if name not in HYDRA_KEYS}
        misspelt = self.unknown(callee, given, key)
        given = self.by_position(callee, node.get("_args_"), given, key)
        for name, parameter in callee.parameters.items() if is_complete else ():
            if parameter.is_required and name not in {*given, *misspelt} and not self.is_given((*key, name)):
                self.missing(callee, key, name)
        mistyped = {name for name, value in given.items() if self.mistyped(callee, (*key, name), value)}
        plain = {name: ... if name in mistyped or not is_plain(value) else value for name, value in given.items()}
        later = {} if is_complete else dict.fromkeys(callee.parameters, ...)
        for name, message in constructor_errors(callee, later | plain):
            self.report((*key, name if name in node else "_target_"), message, given.get(name, target))

    def by_position(self, callee: Signature, values: Any, given: dict[str, Any], key: Key) -> dict[str, Any]:
        """Return all arguments by name, including `_args_`; report duplicate and surplus ones."""
        if not isinstance(values, list) or not values:
            return given
        names = [argument.arg for argument in callee.node.args.args if argument.arg in callee.parameters]
        if len(values) > len(names) and not callee.node.args.vararg:
            self.report((*key, "_args_"), f"{callee.name} takes at most {len(names)} arguments by position", values)
        by_position = dict(zip(names, values, strict=False))
        for name in by_position.keys() & given.keys():
            self.report((*key, name), f"{callee.name} already gets {name!r} from _args_", given[name])
        return by_position | given

    def unknown(self, callee: Signature, given: dict[str, Any], key: Key) -> set[str]:
        """Report unknown arguments and return the names that were probably intended."""
        names = () if callee.is_open else given.keys() - callee.parameters.keys()
        candidates = [*callee.parameters, *(options(self.composed.root) if names and not key else ())]
        intended = set()
        for name in names:
            owner = f"{callee.name} has no argument" if key else "there is no setting"
            near = hint(name, candidates)
            if deeper := nested_key(given, str(name)):
                near = f"; did you mean {'.'.join(map(str, (*key, *deeper)))!r}?"
            self.report((*key, name), f"{owner} {name!r}{near}", given[name])
            intended |= {candidate for candidate in candidates if near == f"; did you mean {candidate!r}?"}
        return intended

    def missing(self, callee: Signature, key: Key, name: str) -> None:
        if owner := self.called_later.get(key):
            path = ".".join(map(str, (*key, "_partial_")))
            text = f"{owner} calls {callee.name} later, with {name!r}: add {path}=true"
            self.report((*key, "_target_"), text, callee.name)
        elif key:
            self.report((*key, "_target_"), self.needed((*key, name), callee.name), callee.name)
        elif "name" in self.composed.config:
            self.messages.append(f"the configuration has no {name!r}")
        elif name == "name":
            experiments = ", ".join(option for option, _ in options(self.composed.root).get("experiment", []))
            self.messages.append(f"no experiment is chosen; add experiment=NAME, one of {experiments}")

    def mistyped(self, callee: Signature, key: Key, value: Any) -> bool:
        parameter = callee.parameters.get(str(key[-1]))
        if not parameter or value == MISSING:
            return False
        if isinstance(value, dict) and "_target_" in value:
            if accepts_callable(parameter):
                self.called_later[key] = callee.name
            if value.get("_partial_") is True and requires_object(parameter):
                self.report((*key, "_partial_"), f"{callee.name} expects an object, not a function", True)
            return False
        if fits(value, parameter) or is_type_checked(callee.node, str(key[-1]), value):
            return False
        text = f"{callee.name} expects {expected(value, parameter)}"
        if isinstance(value, dict) and (requires_object(parameter) or accepts_callable(parameter)):
            text = f"it has no _target_, the name of a class: {text}; set {'.'.join(map(str, key))}._target_=CLASS"
        self.report(key, text, value)
        return True

    def is_given(self, key: Key) -> bool:
        """Whether the worker sets this argument, or may set it."""
        if key[0] == "model":
            return self.provided is None or key[-1] in self.provided
        return key[-1] in _SET_BY_WORKER.get(str(key[0]), [])

    def needed(self, key: Key, owner: str) -> str:
        path = ".".join(map(str, key))
        if key[0] == "model" and self.provided is not None:
            return (
                f"{owner} needs {key[-1]!r}, which {self.data.rpartition('.')[2]} does not provide "
                f"(it provides {', '.join(self.provided)}); set {path}=VALUE, or choose data that provides it"
            )
        return f"{owner} needs {key[-1]!r}; set {path}=VALUE" if owner else f"a value is missing; set {path}=VALUE"
