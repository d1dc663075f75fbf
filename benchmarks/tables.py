"""Markdown tables."""


def table(names: list[str], rows: list[list]) -> str:
    """A table with these names of columns."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines) + "\n"
