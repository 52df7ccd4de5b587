from .embedding_bag import EmbeddingBag
from .gpt import GPT
from .key_value_cache import KeyValueCache
from .transformer_encoder import TransformerEncoder
from .word_convnet import WordConvNet

__all__ = [
    "GPT",
    "EmbeddingBag",
    "KeyValueCache",
    "TransformerEncoder",
    "WordConvNet",
]
