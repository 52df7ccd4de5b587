import ast
import sysconfig
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ..core.error import DataError
from ..core.split import stratified_split
from ..core.split_names import Split
from .text_data import TextData

PACKAGES = [
    "asyncio", "collections", "email", "http", "importlib",
    "logging", "multiprocessing", "unittest", "urllib", "xml",
]  # fmt: skip


class Stdlib(TextData):
    """Which package of Python's standard library does this docstring come from? Real, and on every machine.

    One sample for each docstring of a module, class or function in ten packages that every Python has, read from the
    source of the running Python: about 2,000 samples, some more or fewer from one Python version to the next, the largest
    class with a sixth of them. A docstring that appears twice is one sample, of the first package. There is no official
    split: a stratified fifth, always the same, is the test split.

    Args:
        **text: arguments of `TextData`.
    """

    is_embedded = True
    origin = "from the source files of this Python's standard library"

    def __init__(self, **text) -> None:
        super().__init__(**text)

    def load_labels(self, split: Split) -> list[str]:
        return PACKAGES  # both splits have samples of all of them

    def load_texts(self, split: Split) -> tuple[list[str], list[str]]:
        samples: dict[str, str] = {}
        for package in PACKAGES:
            for docstring in docstrings(Path(sysconfig.get_path("stdlib")) / package):
                samples.setdefault(docstring, package)
        return part(samples, torch.tensor([PACKAGES.index(package) for package in samples.values()]), split)


def part(samples: dict[str, str], strata: Tensor, split: Split) -> tuple[list[str], list[str]]:
    """Texts and labels of a split: of each stratum a fifth, always the same, is for the test."""
    train, test = stratified_split(strata, fraction=0.2, seed=0)
    texts, labels = list(samples), list(samples.values())
    chosen = test if split == "test" else train
    return [texts[sample] for sample in chosen], [labels[sample] for sample in chosen]


def source_files(package: Path) -> list[Path]:
    """All files of a package but those of its tests.

    Raises:
        DataError: this Python came without its sources.
    """
    files = [path for path in sorted(package.rglob("*.py")) if "test" not in path.relative_to(package).parts]
    if not files:
        raise DataError(f"this Python has no sources in {package}: install one that has, such as that of python.org")
    return files


@cache  # each split has all of them read
def docstrings(package: Path) -> list[str]:
    """All docstrings below a package's folder, its tests left out; the files are parsed, never imported."""
    nodes = (node for path in source_files(package) for node in ast.walk(ast.parse(path.read_bytes())))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    found = (ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented))
    return [" ".join(docstring.split()) for docstring in found if docstring.strip()]
