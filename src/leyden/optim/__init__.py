from .fully_sharded import FullySharded
from .warmup_cosine import warmup_cosine

__all__ = ["FullySharded", "warmup_cosine"]
