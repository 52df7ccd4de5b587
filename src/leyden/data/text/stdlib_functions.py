import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import torch

from ..core.classes import Labels
from ..core.split_names import Split
from .stdlib import PACKAGES, select_split, source_files
from .text_data import TextData

PROPERTIES = ["arguments", "loops", "method", "raises", "returns"]


class StdlibFunctions(TextData):
    """Predict properties of a function from its docstring, a multilabel task: real data, available on every machine.

    A sample is the docstring of a function in the ten packages of `Stdlib`. The labels are properties of its source:
    arguments (other than self and cls), loops, being a method, a raise statement, a return value; a function may have
    none. Nested functions do not count. A duplicated docstring is one sample, of the first function. There is no official
    split: a random fifth, the same in every run, is the test split.

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
                for docstring, labels in functions(ast.parse(file.read_bytes())):
                    samples.setdefault(docstring, ";".join(labels))
        return select_split(samples, torch.zeros(len(samples)), split)


def functions(tree: ast.AST, in_class: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Docstring and properties of each documented function, in source order."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (docstring := ast.get_docstring(node)):
            yield " ".join(docstring.split()), sorted(properties(node) | ({"method"} if in_class else set()))
        yield from functions(node, isinstance(node, ast.ClassDef))


def properties(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Properties of a function, from its own source."""
    parameters = [node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    labels = {"arguments"} if set(parameters) - {"self", "cls"} else set()
    for node in own_nodes(function):
        if isinstance(node, ast.Return) and node.value is not None:
            labels.add("returns")
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            labels.add("loops")
        elif isinstance(node, ast.Raise):
            labels.add("raises")
    return labels


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Nodes below a function, except those in nested functions and classes."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            yield from own_nodes(node)
