"""The tokens of transcripts, characters or words: token 0 is the blank of connectionist temporal classification."""

import logging
from collections.abc import Iterable
from typing import Literal

from ..core.error import DataError

log = logging.getLogger(__name__)

BLANK, UNKNOWN = "<blank>", "\N{DOUBLE QUESTION MARK}"
Unit = Literal["characters", "words"]


def separator(unit: Unit) -> str:
    """What stands between two tokens of a text."""
    return " " if unit == "words" else ""


def split_tokens(text: str, unit: Unit) -> list[str]:
    """A text -> its tokens. White space of any kind and length is one space, and none at the ends."""
    words = text.split()
    return words if unit == "words" else list(" ".join(words))


def learn_alphabet(texts: Iterable[str], unit: Unit, unseen: Literal["raise", "mark"]) -> list[str]:
    """Blank, the mark of unseen tokens where it is asked for, and all tokens of the texts in their order."""
    tokens = sorted({token for text in texts for token in split_tokens(text, unit)} - {BLANK, UNKNOWN})
    return [BLANK, *([UNKNOWN] if unseen == "mark" else []), *tokens]


def token_numbers(texts: Iterable[str], alphabet: list[str], unit: Unit, split: str) -> list[list[int]]:
    """Texts -> token numbers [text][token]. A token outside an alphabet with the mark becomes the mark, which is said.

    Raises:
        DataError: a token is not in the alphabet, which has no mark.
    """
    numbers = {token: number for number, token in enumerate(alphabet) if token != BLANK}
    samples = [split_tokens(text, unit) for text in texts]
    if unseen := sorted({token for sample in samples for token in sample} - numbers.keys()):
        told = f"{len(unseen)} {unit} of the {split} split that training never saw: {unseen[:10]}"
        if UNKNOWN not in numbers:
            raise DataError(f"{told}\nCorrect them, or set data.unseen=mark to count each as a mistake.")
        log.warning("%s; each counts as a mistake", told)
    return [[numbers[token if token in numbers else UNKNOWN] for token in sample] for sample in samples]
