"""Where a setting was written: the override or the line of a file that had the last word."""

from functools import cached_property
from pathlib import Path

import yaml

from .compose import Composed

Key = tuple[str | int, ...]


class Origins:
    """Looks up the settings of a composed configuration."""

    def __init__(self, composed: Composed) -> None:
        self.composed = composed

    def override(self, key: Key) -> str | None:
        """The word of the command line that sets this key, or something below or above it."""
        dotted = [str(part) for part in key]
        for set_key, word in reversed(self.composed.overrides.items()):
            parts = set_key.split(".")
            if parts == dotted[: len(parts)] or (parts[: len(dotted)] == dotted and not self._exact_line(key)):
                return word
        return None

    def file(self, key: Key) -> Path | None:
        """The last file that sets just this key; None where there is none, or the command line has the last word."""
        if self.override(key):
            return None
        setting = (file for file, package, tree in reversed(self._trees) if _sets(tree, package, key))
        return next((self.composed.root / file for file in setting), None)

    def line(self, key: Key) -> str | None:
        """`file:line` of the last file that sets this key, else of what it is a part of."""
        return next((found for end in range(len(key), 0, -1) if (found := self._exact_line(key[:end]))), None)

    def _exact_line(self, key: Key) -> str | None:
        for file, package, tree in reversed(self._trees):
            if number := _sets(tree, package, key):
                return f"{file}:{number}"
        return None

    @cached_property
    def _trees(self) -> list[tuple[Path, Key, yaml.Node | None]]:
        return [
            (
                file.relative_to(self.composed.root),
                tuple(package.split(".")) if package else (),
                yaml.compose(file.read_text(encoding="utf-8"), yaml.CSafeLoader),
            )
            for file, package in self.composed.files
        ]


def _sets(tree: yaml.Node | None, package: Key, key: Key) -> int:
    """The number of the line that sets a key in a file that is merged below another one, or 0."""
    return _line(tree, key[len(package) :]) if key[: len(package)] == package else 0


def _line(tree: yaml.Node | None, key: Key) -> int:
    """The number of the line of a key, or 0."""
    number = 0
    for part in key:
        match tree:
            case yaml.MappingNode(value=pairs):
                found = next(((name, value) for name, value in pairs if name.value == str(part)), None)
                if not found:
                    return 0
                number, tree = found[0].start_mark.line + 1, found[1]
            case yaml.SequenceNode(value=items) if isinstance(part, int) and part < len(items):
                tree = items[part]
                number = tree.start_mark.line + 1
            case _:
                return 0
    return number
