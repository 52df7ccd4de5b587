from pathlib import Path
from typing import Any

from ..core.datamodule import DataModule
from ..core.state import reading


class TokenizedData(DataModule):
    """Data with a tokenizer, which is kept in a file of its own in the run directory."""

    tokenizer: Any  # a `Tokenizer`, which subclasses narrow down

    @property
    def vocab_size(self) -> int:
        return self.tokenizer.vocab_size

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)
        super().save(folder)  # last: what it writes says that all is there

    def restore(self, folder: Path) -> None:
        super().restore(folder)
        with reading(folder / "tokenizer.json"):
            self.tokenizer.load(folder)
