from ...errors import RunError


class DataError(RunError, ValueError):
    """The user's data cannot be used as it is: shown without a traceback."""
