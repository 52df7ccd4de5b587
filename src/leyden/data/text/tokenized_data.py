from pathlib import Path
from typing import Any

from ..core.datamodule import DataModule
from ..core.state import clear_read_errors


class TokenizedData(DataModule):
    """Base class of data with a tokenizer, which is saved in its own file in the run directory."""

    tokenizer: Any  # a `Tokenizer`; subclasses narrow the type

    @property
    def vocab_size(self) -> int:
        return self.tokenizer.vocab_size

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)
        super().save(folder)  # last: its file marks the state as complete

    def restore(self, folder: Path) -> None:
        super().restore(folder)
        with clear_read_errors(folder / "tokenizer.json"):
            self.tokenizer.load(folder)
