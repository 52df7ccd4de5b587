import sysconfig
from pathlib import Path

import torch

from ..core.split import stratified_split
from .corpus_data import CorpusData, Split
from .stdlib import PACKAGES, source_files


class StdlibSource(CorpusData):
    """Source code of Python's standard library: real text, available on every machine.

    The modules of ten packages, without their tests: about 160 files and 2.5 MB, varying with the Python version. A file
    is a document. There is no official split: a tenth of the files, the same in every run, is the test split, and
    `validation_fraction` of the others the validation split.

    Args:
        **corpus: arguments of `CorpusData`.
    """

    is_embedded = True
    origin = "from the source files of this Python's standard library"
    suffixes = (".py",)

    def __init__(self, **corpus) -> None:
        super().__init__(**corpus)

    def load_documents(self, split: Split) -> list[str]:
        library = Path(sysconfig.get_path("stdlib"))
        files = [path for package in PACKAGES for path in source_files(library / package)]
        others, test = stratified_split(torch.zeros(len(files)), fraction=0.1, seed=0)
        train, validation = stratified_split(torch.zeros(len(others)), self.validation_fraction, self.split_seed)
        samples = {
            "train": [others[sample] for sample in train],
            "validation": [others[sample] for sample in validation],
            "test": test,
        }
        return [text for sample in samples[split] if (text := files[sample].read_text(encoding="utf-8"))]
