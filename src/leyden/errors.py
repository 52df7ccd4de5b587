class UserError(Exception):
    """A mistake in what the user typed: shown without a traceback, exit code 2."""


class RunError(Exception):
    """A run that cannot go on, for a reason that the message explains: shown without a traceback, exit code 1."""
