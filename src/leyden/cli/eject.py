"""`leyden eject`: copy a class of the library into the project.

private_modules.py decides which modules are copied. Only import statements differ from the original, so that the copy
computes the same.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..config.compose import project_root
from ..config.static.source import Definition, Module, NameMissingError, find
from ..errors import UserError, hint
from ..io import write_atomically
from .import_lines import rewrite_imports
from .library_names import LIBRARY, Use, find_class, import_source, public, uses, version
from .private_modules import copied_with

HEADER = f"# Copied from {LIBRARY} "
TARGET = re.compile(rf"(_target_['\"]?\s*[:=]\s*['\"]?)({LIBRARY}(?:\.\w+)+)")


@dataclass(frozen=True)
class Mention:
    """A line of a YAML file that names the class, its number from 1, and its `text` with the name of the copy."""

    file: Path
    line: int
    text: str


def eject_class(options: argparse.Namespace) -> int:
    """Copy the class that was named."""
    options.result = eject(options.name, options.package, options.use)
    return 0


def eject(name: str, package: str | None = None, uses_it: bool = False) -> dict[str, Any]:
    """Copy a class of the library, with the modules that are private to it, into the current project.

    Args:
        name: A dotted name as in YAML, or the name of a class.
        package: The project's package, if it has several.
        uses_it: Whether to change the project's configurations to name the copy.

    Returns:
        What was copied and changed, for `--json`.

    Raises:
        UserError: The class does not exist, cannot be copied, or would overwrite other files.
    """
    root = project_root()
    definition = find_class(name)
    modules = copied_with(definition)
    source = root / "src" / (package or _package(root))
    if not source.is_dir():
        names = [path.name for path in _packages(root)]
        raise UserError(f"there is no package {source.relative_to(root)}{hint(source.name, names)}")
    folder = source / definition.module.name.split(".")[1]
    texts = {folder / f"{module.name.rpartition('.')[2]}.py": _copy(module, modules, root) for module in modules}
    kept = {path for path, text in texts.items() if _is_copied(path, text, root)}
    target = f"{source.name}.{folder.name}.{next(iter(texts)).stem}.{definition.node.name}"
    mentions = list(_mentions(root, definition, target))
    _write(folder, {path: text for path, text in texts.items() if path not in kept})
    for path, module in zip(texts, modules, strict=True):
        print(f"{path.relative_to(root)}  {'exists already' if path in kept else 'copied'}, from {module.name}")
    if private := sorted({pair for module in modules for pair in _private_names(module, modules)}):
        print(f"The copy imports private names of {LIBRARY}, which may change in an upgrade:")
    for source_name, pairs in groupby(private, key=itemgetter(0)):
        print(f"  {source_name}: {', '.join(name for _, name in pairs)}")
    _report(mentions, target, root, uses_it)
    files = [
        {"path": path, "module": module.name, "is_new": path not in kept}
        for path, module in zip(texts, modules, strict=True)
    ]
    result = {"target": target, "files": files, "private_names": [".".join(pair) for pair in private]}
    return result | {"mentions": mentions, "configs_changed": uses_it}


def _package(root: Path) -> str:
    """Return the name of the project's package."""
    names = [path.name for path in _packages(root)]
    if len(names) != 1:
        fix = "choose one with --package" if names else "create one, such as src/mine, with an empty __init__.py"
        raise UserError(f"expected one package of the project in src/, got {', '.join(names) or 'none'}: {fix}")
    return names[0]


def _packages(root: Path) -> list[Path]:
    folders = sorted(path for path in (root / "src").glob("*") if path.is_dir())
    return [path for path in folders if path.name.isidentifier() and path.name not in (LIBRARY, "__pycache__")]


def _copy(module: Module, copied: list[Module], root: Path) -> str:
    """Return the source of a module for the project, with a header and adapted imports."""
    own = {path.name for path in (root / "src").glob("*")}
    by_position = {(use.node.lineno, use.alias.lineno, use.alias.name): use for use in uses(module)}

    def source(node: ast.ImportFrom, alias: ast.alias) -> str:
        use = by_position.get((node.lineno, alias.lineno, alias.name))
        return "" if not use or use.module in copied else _import_source(use)

    origin = f"{module.name}. MIT License, copyright (c) The Leyden authors."
    return f"{HEADER}{version()}, {origin}\n{rewrite_imports(module.text, source, own)}"


def _import_source(use: Use) -> str:
    return import_source(use.module, use.name) if use.name else use.module.name.rpartition(".")[0]


def _private_names(module: Module, copied: list[Module]) -> Iterator[tuple[str, str]]:
    """Yield the private names that a copy imports from the library, each with its module."""
    for use in uses(module):
        pair = _import_source(use), use.alias.name
        if use.module not in copied and pair[0] != f"{LIBRARY}.errors" and ".".join(pair) not in public():
            yield pair


def _is_copied(path: Path, text: str, root: Path) -> bool:
    """Whether the file exists with the same content, except for the version in its header.

    Raises:
        UserError: A different file exists.
    """
    if path.with_suffix("").is_dir():
        raise UserError(f"{path.relative_to(root)} would be shadowed by the folder of the same name: rename the folder")
    if not path.exists():
        return False
    if _lines(path.read_text(encoding="utf-8", errors="replace")) != _lines(text):
        raise UserError(
            f"{path.relative_to(root)} exists and differs from the library's; nothing was written. "
            "Rename your file, update the references to it and try again"
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
    """Yield the lines of the project's configurations that name the class, changed to name the copy."""
    replaced = partial(_replaced, definition, target)
    for file in sorted((root / "configs").rglob("*.yaml")):
        for number, line in enumerate(_read(file).split("\n"), start=1):
            code = re.match(r"(?:[^#]|(?<=\S)#)*", line)  # a comment begins after a space
            assert code
            if (text := TARGET.sub(replaced, code[0])) != code[0]:
                yield Mention(file, number, text + line[code.end() :])


def _replaced(definition: Definition, target: str, match: re.Match[str]) -> str:
    try:
        is_same = find(match[2]) == definition
    except NameMissingError:
        is_same = False
    return f"{match[1]}{target}" if is_same else match[0]


def _read(file: Path) -> str:
    """Read a text file without converting line endings.

    Raises:
        UserError: The file is not UTF-8.
    """
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8: {error}") from None


def _report(mentions: list[Mention], target: str, root: Path, uses_it: bool) -> None:
    for file in {mention.file for mention in mentions} if uses_it else ():
        lines = _read(file).split("\n")
        for mention in mentions:
            if mention.file == file:
                lines[mention.line - 1] = mention.text
        write_atomically(file.resolve(), "\n".join(lines))
    if not mentions:
        print(f"No file in configs/ uses this class. To use the copy, set _target_: {target}")
    elif not uses_it:
        print("To use the copy, change these lines in configs/, or add --use:")
    for mention in mentions:
        print(f"{mention.file.relative_to(root)}:{mention.line}  {mention.text.strip()}")
