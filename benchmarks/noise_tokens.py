import numpy as np

from leyden.data.text.corpus_data import CorpusData
from leyden.data.text.windows import Windows

VOCABULARY = 50_304


class NoiseTokens(CorpusData):
    """Ten million tokens for training, with the vocabulary of GPT-2, filled up to a multiple of 64."""

    vocab_size = VOCABULARY
    token_bytes = np.array([b"token"] * VOCABULARY, dtype=object)

    def setup(self, stage: str) -> None:
        generator = np.random.default_rng(0)
        for split, number in (("train", 10_000_000), ("validation", 100_000), ("test", 100_000)):
            if split not in self.samples:
                stream = generator.integers(VOCABULARY, size=number, dtype=np.uint16)
                self.samples[split] = Windows(stream, self.max_tokens, shifts=split == "train")
