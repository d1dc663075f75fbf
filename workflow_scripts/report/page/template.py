"""Fill a template of the report: everything that is not marked as markup is escaped."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def fill_template(look: Sequence[str | Path], **values: Any) -> str:
    """The page: `look` is its template, then style sheets, a script, and templates it includes.

    The page allows its own script only, by its sha256.
    """
    template, *others = map(Path, look)
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, code = (_join(others, suffix) for suffix in (".css", ".js"))
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return environment.get_template(template.name).render(
        **values,
        style=Markup(style),  # our own files, without a closing tag in them
        script=Markup(code),
        script_hash=digest,
    )


def _join(files: Sequence[Path], suffix: str) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in files if path.suffix == suffix)
