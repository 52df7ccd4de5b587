from .embedding_bag import EmbeddingBag
from .transformer_encoder import TransformerEncoder
from .word_convnet import WordConvNet

__all__ = ["EmbeddingBag", "TransformerEncoder", "WordConvNet"]
