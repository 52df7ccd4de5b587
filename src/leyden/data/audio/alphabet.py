"""Tokens of transcripts, characters or words. Token 0 is the blank of connectionist temporal classification (CTC)."""

import logging
from collections.abc import Iterable
from typing import Literal

from ..core.error import DataError

log = logging.getLogger(__name__)

BLANK, UNKNOWN = "<blank>", "\N{DOUBLE QUESTION MARK}"
Unit = Literal["characters", "words"]


def separator(unit: Unit) -> str:
    """Text between two tokens."""
    return " " if unit == "words" else ""


def split_tokens(text: str, unit: Unit) -> list[str]:
    """Split a text into tokens. Runs of white space count as one space; none are kept at the ends."""
    words = text.split()
    return words if unit == "words" else list(" ".join(words))


def learn_alphabet(texts: Iterable[str], unit: Unit, unseen: Literal["raise", "mark"]) -> list[str]:
    """Alphabet of the texts: blank, the token for unseen tokens if `unseen="mark"`, and all tokens, sorted."""
    tokens = sorted({token for text in texts for token in split_tokens(text, unit)} - {BLANK, UNKNOWN})
    return [BLANK, *([UNKNOWN] if unseen == "mark" else []), *tokens]


def encode_transcripts(texts: Iterable[str], alphabet: list[str], unit: Unit, split: str) -> list[list[int]]:
    """Encode texts as token indices [text][token]; unseen tokens become `UNKNOWN`, with a warning.

    Raises:
        DataError: a token is not in the alphabet, which lacks `UNKNOWN`.
    """
    indices = {token: index for index, token in enumerate(alphabet) if token != BLANK}
    samples = [split_tokens(text, unit) for text in texts]
    if unseen := sorted({token for sample in samples for token in sample} - indices.keys()):
        message = f"{len(unseen)} {unit} of the {split} split are not in the training split: {unseen[:10]}"
        if UNKNOWN not in indices:
            raise DataError(f"{message}\nCorrect them, or set data.unseen=mark to count each as an error.")
        log.warning("%s; each counts as an error", message)
    return [[indices[token if token in indices else UNKNOWN] for token in sample] for sample in samples]
