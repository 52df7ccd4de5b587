import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..core.error import DataError

log = logging.getLogger(__name__)


def word_vectors(path: Path, vocabulary: list[str]) -> Tensor:
    """Read word vectors for a vocabulary (token, feature), float32; NaN for tokens that are not in the file.

    The file has the text format of GloVe (https://nlp.stanford.edu/projects/glove), one word and its values per line, or
    of fastText's `.vec` (https://fasttext.cc), which adds a first line with the two sizes; optionally compressed (`.gz`).
    It is read line by line; torchtext's reader keeps all of it in memory and in a pickle beside the file.

    Raises:
        DataError: the file cannot be read, a line is invalid, or no token of the vocabulary is in it.
    """
    indices = {word: index for index, word in enumerate(vocabulary)}
    vectors = torch.empty(0)
    num_features, found_words = 0, set()
    for line, word, values in _lines(path):
        if not num_features:
            num_features = len(values)
            vectors = torch.full((len(vocabulary), num_features), torch.nan)
        # Words of GloVe may contain spaces: the values are the last ones.
        word = " ".join([word, *values[: len(values) - num_features]])
        if len(values) < num_features:
            raise DataError(f"{path}:{line}: expected {num_features} values for {word!r}, got {len(values)}")
        if word not in indices or word in found_words:
            continue
        found_words.add(word)
        try:
            vectors[indices[word]] = torch.tensor([float(value) for value in values[len(values) - num_features :]])
        except ValueError as error:
            raise DataError(
                f"{path}:{line}: the vector of {word!r} has a value that is not a number: {error}"
            ) from None
    if not found_words:
        raise DataError(f"{path} has no vector for any of {len(vocabulary)} tokens, such as {vocabulary[-3:]}")
    log.info("vectors          %d of %d tokens, from %s", len(found_words), len(vocabulary), path)
    return vectors


def _lines(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Line number, word and values of each line, without a first line of sizes."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                word, *values = line.decode("utf-8", errors="replace").rstrip().split(" ")
                if number == 1 and len(values) == 1 and word.isdigit():
                    continue
                if not values:
                    raise DataError(f"{path}:{number}: expected a word and its values, got {line[:60]!r}")
                yield number, word, values
    except OSError as error:
        raise DataError(f"cannot read {path.absolute()}, data.vectors: {error.strerror or error}") from None
