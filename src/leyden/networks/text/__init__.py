from .embedding_bag import EmbeddingBag
from .transformer_encoder import TransformerEncoder

__all__ = ["EmbeddingBag", "TransformerEncoder"]
