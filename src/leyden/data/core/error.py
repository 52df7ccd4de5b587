from ...errors import RunError


class DataError(RunError, ValueError):
    """The dataset cannot be used: reported without a traceback."""
