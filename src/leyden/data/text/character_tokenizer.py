import json
from collections.abc import Iterable
from pathlib import Path

from ..core.error import DataError


class CharacterTokenizer:
    """One token per character of the training texts, with ids in the order of the code points.

    It is lossless for texts of these characters; any other character is unknown.
    """

    padding, unknown = 0, 1

    def __init__(self) -> None:
        self._characters: list[str] = []

    @property
    def vocab_size(self) -> int:
        return 2 + len(self._characters) if self._characters else 0

    @property
    def vocabulary(self) -> list[str]:
        return ["[PAD]", "[UNK]", *self._characters]

    @property
    def token_bytes(self) -> list[bytes]:
        return [b"", b"", *(character.encode() for character in self._characters)]

    def train(self, texts: Iterable[str]) -> None:
        self._characters = sorted(set().union(*texts))

    def encode(self, texts: list[str], max_tokens: int | None = None) -> list[list[int]]:
        ids = {character: index for index, character in enumerate(self._characters, start=2)}
        return [[ids.get(character, self.unknown) for character in text[:max_tokens]] for text in texts]

    def decode(self, tokens: list[int]) -> str:
        shown = ["", "\N{REPLACEMENT CHARACTER}", *self._characters]
        return "".join(shown[token] for token in tokens)

    def save(self, folder: Path) -> None:
        content = json.dumps({"characters": self._characters}, ensure_ascii=False)
        (folder / "tokenizer.json").write_text(content, encoding="utf-8")

    def load(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise DataError(f"there is no {path}: was this run stopped before its data was ready?")
        self._characters = json.loads(path.read_text(encoding="utf-8"))["characters"]
