"""What a job asks of its machine."""

from collections.abc import Callable


def grow(amount: int) -> Callable[..., int]:
    """A resource of a rule: the amount, and as much again in each further attempt."""

    def ask(wildcards: object, attempt: int) -> int:
        return amount * attempt

    return ask
