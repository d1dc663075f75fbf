"""What a job asks of its machine."""

from collections.abc import Callable

SNAKEMAKE_MB = 350  # on a cluster two Snakemakes of 160 to 170 MB run beside the job's own process


def grow(amount_mb: int) -> Callable[..., int]:
    """Memory of a rule: the amount, as much again in each further attempt; Snakemake's share."""

    def ask(wildcards: object, attempt: int) -> int:
        return amount_mb * attempt + SNAKEMAKE_MB

    return ask
