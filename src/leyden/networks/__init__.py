from .lengths import padding_mask

__all__ = ["padding_mask"]
