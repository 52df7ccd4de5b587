import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..core.error import DataError

log = logging.getLogger(__name__)


def word_vectors(path: Path, vocabulary: list[str]) -> Tensor:
    """Vectors of the words of a vocabulary [token, feature], float32; NaN where the file has none.

    The file is a text in the format of GloVe (https://nlp.stanford.edu/projects/glove), a word and its numbers a line,
    or of fastText's `.vec` (https://fasttext.cc), the same after a line with the two sizes; perhaps compressed (`.gz`).
    It is read a line at a time, and says how many words it had. torchtext's own reader keeps all of it in memory and
    in a pickle beside it.

    Raises:
        DataError: there is no such file, a line is none of that format, or no word of the vocabulary is in it.
    """
    numbers = {word: number for number, word in enumerate(vocabulary)}
    vectors = torch.empty(0)
    num_features, found = 0, set()
    for line, word, values in _lines(path):
        if not num_features:
            num_features = len(values)
            vectors = torch.full((len(vocabulary), num_features), torch.nan)
        # A word of GloVe's may hold spaces: the numbers are the last ones.
        word = " ".join([word, *values[: len(values) - num_features]])
        if len(values) < num_features:
            raise DataError(f"{path}:{line}: {len(values)} numbers for {word!r}; the lines before have {num_features}")
        if word not in numbers or word in found:
            continue
        found.add(word)
        try:
            vectors[numbers[word]] = torch.tensor([float(value) for value in values[len(values) - num_features :]])
        except ValueError as error:
            raise DataError(f"{path}:{line}: the vector of {word!r} is not made of numbers: {error}") from None
    if not found:
        raise DataError(f"{path} has no vector for any of {len(vocabulary)} tokens, such as {vocabulary[-3:]}")
    log.info("vectors          %d of %d tokens, from %s", len(found), len(vocabulary), path)
    return vectors


def _lines(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Number, word and values of each line, without a first line of sizes and without spaces at the ends."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                word, *values = line.decode("utf-8", errors="replace").rstrip().split(" ")
                if number == 1 and len(values) == 1 and word.isdigit():
                    continue
                if not values:
                    raise DataError(f"{path}:{number}: expected a word and its numbers, got {line[:60]!r}")
                yield number, word, values
    except OSError as error:
        raise DataError(f"cannot read {path.absolute()}, data.vectors: {error.strerror or error}") from None
