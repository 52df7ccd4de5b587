from .fully_sharded import FullySharded
from .warmup_cosine import warmup_cosine
from .warmup_stable_decay import warmup_stable_decay

__all__ = ["FullySharded", "warmup_cosine", "warmup_stable_decay"]
