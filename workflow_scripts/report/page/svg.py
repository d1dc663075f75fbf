"""Small SVG drawings as escaped markup; colors come from the page's style sheet by class."""

from markupsafe import Markup, escape

STYLE = """
svg { background: #fbf9f5; font: 12px system-ui, sans-serif; }
text { fill: #23211e; } .muted { fill: #77716a; } .grid { stroke: #e0dbd1; }
.kept { fill: #c2622d; } .aside { fill: #cfc8bb; } .rest { fill: #ece7dd; }
.curve { fill: none; stroke: #cfc8bb; stroke-width: 1.5; }
.second { fill: none; stroke: #c2622d; stroke-width: 2; } .dot { fill: #c2622d; }
.on-bar { fill: #1d1b18; font-size: 11px; } .shot { fill: #cfc8bb; } .shot.odd { fill: #8f887e; }
.strong { font-weight: 600; } .end { text-anchor: end; } .middle { text-anchor: middle; }
"""


def tag(name: str, *inside: str | Markup, **attributes: object) -> Markup:
    """One element; text and attribute values are escaped, `class_` and `stroke_width` renamed."""
    words = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _short(value))
        for key, value in attributes.items()
        if value is not None
    )
    body = Markup("").join(escape(part) for part in inside)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), words, body)


def drawing(width: float, height: float, *parts: Markup, label: str) -> Markup:
    """A drawing that scales with its column; `label` is read aloud instead of it."""
    return tag(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_short(width)} {_short(height)}",
        role="img",
        aria_label=label,
    )


def stand_alone(svg: Markup) -> str:
    """The same drawing as a file of its own, with its colors inside."""
    start = svg.index(">") + 1
    return f"{svg[:start]}<style>{STYLE}</style>{svg[start:]}"


def _short(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
