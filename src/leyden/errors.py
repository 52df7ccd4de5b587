class UserError(Exception):
    """A mistake in what the user typed: shown without a traceback, exit code 2."""
