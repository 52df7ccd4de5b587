from .mean import Mean

__all__ = ["Mean"]
