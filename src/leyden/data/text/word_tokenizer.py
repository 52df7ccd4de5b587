import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from .huggingface_tokenizer import HuggingFaceTokenizer
from .tokenizer import UNKNOWN


class WordTokenizer(HuggingFaceTokenizer):
    """Words and runs of punctuation, by the `tokenizers` library, with ids in order of frequency.

    Args:
        lowercase: convert texts to lower case.
        **vocabulary: arguments of `HuggingFaceTokenizer`.
    """

    def __init__(self, lowercase: bool = True, **vocabulary) -> None:
        tokenizer = tokenizers.Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *[normalizers.Lowercase()] * lowercase])
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        super().__init__(tokenizer=tokenizer, **vocabulary)

    def trainer(self, vocab_size: int) -> trainers.WordLevelTrainer:
        return trainers.WordLevelTrainer(
            vocab_size=vocab_size,
            min_frequency=self.min_frequency,
            special_tokens=self.fixed,
            show_progress=False,
        )
