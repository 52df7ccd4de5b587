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
    """Classify docstrings of Python's standard library by package: real data, available on every machine.

    A sample is the docstring of a module, class or function in one of ten packages, read from the source of the running
    Python: about 2,000 samples, varying with the Python version, the largest class with a sixth of them. A duplicated
    docstring is one sample, of the first package. There is no official split: a stratified fifth, the same in every run,
    is the test split.

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
        return select_split(samples, torch.tensor([PACKAGES.index(package) for package in samples.values()]), split)


def select_split(samples: dict[str, str], strata: Tensor, split: Split) -> tuple[list[str], list[str]]:
    """Texts and labels of a split; a fifth of each stratum, the same in every run, is for testing."""
    train, test = stratified_split(strata, fraction=0.2, seed=0)
    texts, labels = list(samples), list(samples.values())
    chosen = test if split == "test" else train
    return [texts[sample] for sample in chosen], [labels[sample] for sample in chosen]


def source_files(package: Path) -> list[Path]:
    """Source files of a package, without its tests.

    Raises:
        DataError: this Python has no source files.
    """
    files = [path for path in sorted(package.rglob("*.py")) if "test" not in path.relative_to(package).parts]
    if not files:
        raise DataError(f"this Python has no source files in {package}: use one that has, such as that of python.org")
    return files


@cache  # all are needed for each split
def docstrings(package: Path) -> list[str]:
    """Docstrings of a package, without its tests; the files are parsed, never imported."""
    nodes = (node for path in source_files(package) for node in ast.walk(ast.parse(path.read_bytes())))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    texts = (ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented))
    return [" ".join(docstring.split()) for docstring in texts if docstring.strip()]
