"""The version of cinelora: the one number, which CHANGELOG.md explains.

It stands beside results and changes none of them, so it is no part of any code hash (lib/code.py):
what an older version made and this one would make again just so is not made again.
"""

VERSION = "0.2.0"
FIELD = "cinelora_version"


def stamp(record: dict) -> None:
    """Write the version into what is kept beside a result: settings, metadata, a page's head."""
    record[FIELD] = VERSION
