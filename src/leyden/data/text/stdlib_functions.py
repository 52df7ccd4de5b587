import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import torch

from ..core.classes import Labels
from ..core.split_names import Split
from .stdlib import PACKAGES, part, source_files
from .text_data import TextData

PROPERTIES = ["arguments", "loops", "method", "raises", "returns"]


class StdlibFunctions(TextData):
    """What does this function do, by its docstring? Several answers may be right. Real, and on every machine.

    One sample for each docstring of a function in the ten packages of `Stdlib`. Its classes are what the function's source
    really has: arguments (other than self and cls), loops, a class around it, a raise, a return of something; some
    functions have none. What lies in functions within it does not count. A docstring that appears twice is one sample,
    of the first function. There is no official split: a random fifth, always the same, is the test split.

    Args:
        **text: arguments of `TextData`.
    """

    is_embedded = True
    origin = "from the source files of this Python's standard library"

    def __init__(self, **text) -> None:
        super().__init__(**text)
        self.labels = Labels(PROPERTIES, separator=";")

    def load_labels(self, split: Split) -> list[str]:
        return PROPERTIES  # both splits have samples of all of them

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        samples: dict[str, str] = {}
        for package in PACKAGES:
            for file in source_files(Path(sysconfig.get_path("stdlib")) / package):
                for docstring, found in functions(ast.parse(file.read_bytes())):
                    samples.setdefault(docstring, ";".join(found))
        return part(samples, torch.zeros(len(samples)), split)


def functions(tree: ast.AST, in_class: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Docstring and properties of each function with a docstring, in the order of the source."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (docstring := ast.get_docstring(node)):
            yield " ".join(docstring.split()), sorted(properties(node) | ({"method"} if in_class else set()))
        yield from functions(node, isinstance(node, ast.ClassDef))


def properties(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Those that the function's own source shows."""
    parameters = [one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)]
    found = {"arguments"} if set(parameters) - {"self", "cls"} else set()
    for node in own_nodes(function):
        if isinstance(node, ast.Return) and node.value is not None:
            found.add("returns")
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            found.add("loops")
        elif isinstance(node, ast.Raise):
            found.add("raises")
    return found


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """All nodes below a function but those of functions and classes within it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            yield from own_nodes(node)
