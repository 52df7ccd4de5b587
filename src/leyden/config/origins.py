"""The origin of a setting: the override or the line of a file that set its final value."""

from functools import cached_property
from pathlib import Path

import yaml

from .compose import Composed

Key = tuple[str | int, ...]


class Origins:
    """Look up the origins of settings of a composed configuration."""

    def __init__(self, composed: Composed) -> None:
        self.composed = composed

    def override(self, key: Key) -> str | None:
        """Return the override that sets this key, one of its parents or one of its children."""
        dotted = [str(part) for part in key]
        for set_key, word in reversed(self.composed.overrides.items()):
            parts = set_key.split(".")
            if parts == dotted[: len(parts)] or (parts[: len(dotted)] == dotted and not self._exact_line(key)):
                return word
        return None

    def file(self, key: Key) -> Path | None:
        """Return the last file that sets exactly this key; None if there is none or an override sets it."""
        if self.override(key):
            return None
        files = (file for file, package, tree in reversed(self._trees) if _line_in(tree, package, key))
        return next((self.composed.root / file for file in files), None)

    def line(self, key: Key) -> str | None:
        """Return `file:line` of the last file that sets this key, or else its nearest parent."""
        return next((line for end in range(len(key), 0, -1) if (line := self._exact_line(key[:end]))), None)

    def _exact_line(self, key: Key) -> str | None:
        for file, package, tree in reversed(self._trees):
            if number := _line_in(tree, package, key):
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


def _line_in(tree: yaml.Node | None, package: Key, key: Key) -> int:
    """Return the line that sets a key in a file that is merged into a package, or 0."""
    return _line(tree, key[len(package) :]) if key[: len(package)] == package else 0


def _line(tree: yaml.Node | None, key: Key) -> int:
    """Return the line of a key, or 0."""
    number = 0
    for part in key:
        match tree:
            case yaml.MappingNode(value=pairs):
                pair = next(((name, value) for name, value in pairs if name.value == str(part)), None)
                if not pair:
                    return 0
                number, tree = pair[0].start_mark.line + 1, pair[1]
            case yaml.SequenceNode(value=items) if isinstance(part, int) and part < len(items):
                tree = items[part]
                number = tree.start_mark.line + 1
            case _:
                return 0
    return number
