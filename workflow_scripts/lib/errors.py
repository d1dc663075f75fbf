"""The one error that a user is meant to read.

It says what was found, where, what was expected, and what to do.
"""


class CineloraError(Exception):
    """A problem that the user can mend; shown without a traceback."""
