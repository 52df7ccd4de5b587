from .fasttext import FastText
from .gpt import GPT
from .key_value_cache import KeyValueCache
from .text_cnn import TextCNN
from .transformer_encoder import TransformerEncoder

__all__ = [
    "GPT",
    "FastText",
    "KeyValueCache",
    "TextCNN",
    "TransformerEncoder",
]
