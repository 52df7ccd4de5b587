"""`leyden eject`: a class of the library, copied into the project for its owner to change.

What is copied and what stays is said in private_modules.py. Only import statements differ from the library's text, so
that the copy computes the same; the run directory takes it with the rest of `src/`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..config.compose import project_root
from ..config.static.source import Definition, Module, NameMissingError, find
from ..errors import UserError, hint
from ..io import write_atomically
from .import_lines import moved
from .library_names import LIBRARY, Use, find_class, place, public, uses, version
from .private_modules import copied_with

HEADER = f"# Copied from {LIBRARY} "
TARGET = re.compile(rf"(_target_['\"]?\s*[:=]\s*['\"]?)({LIBRARY}(?:\.\w+)+)")


@dataclass(frozen=True)
class Mention:
    """A line of a project's configuration that names the class.

    Args:
        file: the YAML file.
        line: its number, from 1.
        text: as it is, or is to be, with the copy's name.
    """

    file: Path
    line: int
    text: str


def eject(name: str, package: str | None = None, uses_it: bool = False) -> int:
    """Copies a class of the library, and what it privately needs, into the project of this folder.

    Args:
        name: dotted as in YAML, or that of a class alone.
        package: the project's, where it has several.
        uses_it: whether the project's configurations are to name the copy.

    Raises:
        UserError: there is no such class, it has to stay where it is, or other files are in the way.
    """
    root = project_root()
    definition = find_class(name)
    modules = copied_with(definition)
    source = root / "src" / (package or _package(root))
    if not source.is_dir():
        names = [path.name for path in _packages(root)]
        raise UserError(f"there is no package {source.relative_to(root)}{hint(source.name, names)}")
    folder = source / definition.module.name.split(".")[1]
    texts = {folder / f"{one.name.rpartition('.')[2]}.py": _copy(one, modules, root) for one in modules}
    kept = {path for path, text in texts.items() if _is_there(path, text, root)}
    target = f"{source.name}.{folder.name}.{next(iter(texts)).stem}.{definition.node.name}"
    mentions = list(_mentions(root, definition, target))
    _write(folder, {path: text for path, text in texts.items() if path not in kept})
    for path, module in zip(texts, modules, strict=True):
        print(f"{path.relative_to(root)}  {'is there already' if path in kept else 'copied'}, from {module.name}")
    if private := {pair for one in modules for pair in _private_names(one, modules)}:
        print(f"Imported from {LIBRARY}, though not public, so that an upgrade may move them:")
    for source_name in sorted({other for other, _ in private}):
        print(f"  {source_name}: {', '.join(sorted(one for other, one in private if other == source_name))}")
    _report(mentions, target, root, uses_it)
    return 0


def _package(root: Path) -> str:
    """The name of the project's own package."""
    names = [path.name for path in _packages(root)]
    if len(names) != 1:
        found = f"there are {', '.join(names)} in src/" if names else f"there is no folder but {LIBRARY} in src/"
        todo = "choose one with --package" if names else "make one, such as src/mine, with an empty __init__.py"
        raise UserError(f"{found}, and {LIBRARY} eject copies into the project's own package: {todo}")
    return names[0]


def _packages(root: Path) -> list[Path]:
    folders = sorted(path for path in (root / "src").glob("*") if path.is_dir())
    return [path for path in folders if path.name.isidentifier() and path.name not in (LIBRARY, "__pycache__")]


def _copy(module: Module, copied: list[Module], root: Path) -> str:
    """A module's text for the project: with a header, and imports that work there."""
    own = {path.name for path in (root / "src").glob("*")}
    known = {(use.node.lineno, use.alias.lineno, use.alias.name): use for use in uses(module)}

    def where(node: ast.ImportFrom, alias: ast.alias) -> str:
        use = known.get((node.lineno, alias.lineno, alias.name))
        return "" if not use or use.module in copied else _place(use)

    origin = f"{module.name}. MIT License, copyright (c) The Leyden authors."
    return f"{HEADER}{version()}, {origin}\n{moved(module.text, where, own)}"


def _place(use: Use) -> str:
    return place(use.module, use.name) if use.name else use.module.name.rpartition(".")[0]


def _private_names(module: Module, copied: list[Module]) -> Iterator[tuple[str, str]]:
    """What a copy imports from the library that is not public: modules and names in them."""
    for use in uses(module):
        found = _place(use), use.alias.name
        if use.module not in copied and found[0] != f"{LIBRARY}.errors" and ".".join(found) not in public():
            yield found


def _is_there(path: Path, text: str, root: Path) -> bool:
    """Whether a copy with the same lines is there, of whatever version.

    Raises:
        UserError: something else is there.
    """
    if path.with_suffix("").is_dir():
        raise UserError(f"{path.relative_to(root)} would be hidden by the folder beside it: rename that first")
    if not path.exists():
        return False
    if _lines(path.read_text(encoding="utf-8", errors="replace")) != _lines(text):
        raise UserError(
            f"{path.relative_to(root)} is there already and differs from what would be copied; nothing was written. "
            "Rename or move yours, and name it so where it is used, then try again"
        )
    return True


def _lines(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[1:] if text.startswith(HEADER) else lines


def _write(folder: Path, texts: dict[Path, str]) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    for path, text in texts.items():
        write_atomically(path, text)


def _mentions(root: Path, definition: Definition, target: str) -> Iterator[Mention]:
    """Lines of the project's configurations that name the class, as they are to be."""
    replaced = partial(_replaced, definition, target)
    for file in sorted((root / "configs").rglob("*.yaml")):
        for number, line in enumerate(_read(file).split("\n"), start=1):
            code = re.match(r"(?:[^#]|(?<=\S)#)*", line)  # a comment begins after a space
            assert code
            if (text := TARGET.sub(replaced, code[0])) != code[0]:
                yield Mention(file, number, text + line[code.end() :])


def _replaced(definition: Definition, target: str, found: re.Match[str]) -> str:
    try:
        is_meant = find(found[2]) == definition
    except NameMissingError:
        is_meant = False
    return f"{found[1]}{target}" if is_meant else found[0]


def _read(file: Path) -> str:
    """A text with its ends of lines as they are.

    Raises:
        UserError: it is none.
    """
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8: {error}") from None


def _report(mentions: list[Mention], target: str, root: Path, uses_it: bool) -> None:
    for file in {one.file for one in mentions} if uses_it else ():
        lines = _read(file).split("\n")
        for one in mentions:
            if one.file == file:
                lines[one.line - 1] = one.text
        write_atomically(file.resolve(), "\n".join(lines))
    if not mentions:
        print(f"No line of configs/ names it; to use the copy: _target_: {target}")
    elif not uses_it:
        print("To use the copy, change these lines of configs/ (--use does):")
    for one in mentions:
        print(f"{one.file.relative_to(root)}:{one.line}  {one.text.strip()}")
