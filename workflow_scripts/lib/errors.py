"""The one error that a user is meant to read: what was found, where, what was expected, what to do."""


class CineloraError(Exception):
    """A problem that the user can mend; shown without a traceback."""
