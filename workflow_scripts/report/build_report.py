"""Draw one page from all tables of a film, and sum up its progress.

Reads every table of the film's kinds and a few of its images; leaves index.html, which is one
file and asks the network for nothing, two of its drawings as SVG, and progress.json.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.progress_file import sum_progress
from workflow_scripts.lib.version import stamp
from workflow_scripts.report.page.blocks import Section
from workflow_scripts.report.page.charts import draw_funnel
from workflow_scripts.report.page.datasets import (
    has_random_base,
    list_empty,
    show_adapters,
    show_datasets,
)
from workflow_scripts.report.page.film import (
    Film,
    make_strip,
    show_figures,
    show_frames,
    show_funnel,
    show_timeline,
)
from workflow_scripts.report.page.funnel import Funnel
from workflow_scripts.report.page.images import Look
from workflow_scripts.report.page.people import show_faces, show_people, show_poses
from workflow_scripts.report.page.places import show_backgrounds, show_lighting, show_locations
from workflow_scripts.report.page.results import Results
from workflow_scripts.report.page.svg import stand_alone
from workflow_scripts.report.page.workings import (
    show_accuracy,
    show_models,
    show_problems,
    show_timings,
)

CHAPTERS = (
    show_frames,
    show_people,
    show_poses,
    show_faces,
    show_backgrounds,
    show_locations,
    show_lighting,
    show_datasets,
    show_adapters,
)


def draw_page(film: Film, sections: Sequence[Section], head: Mapping, look: Sequence[str]) -> str:
    """Fill the template; everything that is not marked as markup is escaped."""
    template, style, script = (Path(path) for path in look)
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    code = script.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return environment.get_template(template.name).render(
        film=film,
        sections=sections,
        head=head,
        style=Markup(
            style.read_text(encoding="utf-8")
        ),  # our own files, without a closing tag in them
        script=Markup(code),
        script_hash=digest,
    )


def describe(film: Film, tier: str, models: Mapping[str, Mapping], phases: Mapping) -> dict:
    """The head of the page."""
    frames = film.results.frames()
    ends = [row["finished"] for row in phases.values() if row.get("finished")]
    width, height = (int(frames[side].max()) for side in ("width_px", "height_px"))
    facts = [
        film.block["path"],
        f"{width} x {height} px",
        f"kinds: {', '.join(film.kinds)}",
        f"{tier} models",
        *([f"made {max(ends)[:16].replace('T', ' ')} UTC"] if ends else []),
    ]
    head = {
        "facts": facts,
        "strip": make_strip(film),
        "figures": show_figures(film),
        "limits": {row["name"]: row["limit"] for row in models.values() if row.get("limit")},
        "empty": list_empty(film),
        "random_base": models["base"]["name"] if has_random_base(film) else "",
    }
    stamp(head)
    return head


def make_sections(
    film: Film, first: Sequence[Section], last: Sequence[Section | None]
) -> list[Section]:
    """All chapters in the order of the page; those with images are made here."""
    return [*first, *(chapter(film) for chapter in CHAPTERS), *(s for s in last if s)]


def fit_page(film: Film, options: Mapping[str, Any], draw: Any) -> tuple[str, int]:
    """Draw with fewer images per gallery until the page is small enough; also their number."""
    size, limit = options["gallery_size"], options["max_mb"] * 1e6
    while True:
        look = Look(size, options["thumb_px"], options["quality"])
        page = draw(Film(film.name, film.block, film.datasets, film.results, look))
        log.info("%d images per gallery: %.1f MB", size, len(page) / 1e6)
        if len(page) <= limit or size <= 2:
            return page, size
        size //= 2


def main(
    tables: Sequence[str],
    proofs: Sequence[str],
    reviews: Sequence[str],
    registry: str,
    look: Sequence[str],
    page: str,
    funnel: str,
    timeline: str,
    progress: str,
    *,
    film: Mapping[str, Any],
    datasets: Sequence[str],
    tier: str,
    models: Mapping[str, Mapping],
    uncalibrated: Mapping[str, Sequence[str]],
    benchmarks: str,
    options: Mapping[str, Any],
) -> Counts:
    folder = Path(progress).parent
    subject = Film(folder.name, film, datasets, Results(folder, [*tables, *proofs]), Look(0, 0, 0))
    phases = sum_progress(folder)["phases"]
    files = yaml.safe_load(Path(registry).read_text(encoding="utf-8"))["files"]
    funnel_section, counts = show_funnel(subject)
    first = [funnel_section, show_timeline(subject)]
    last = [
        show_accuracy(subject, proofs),
        show_timings(subject, benchmarks, phases),
        show_models(models, files, uncalibrated),
        show_problems(subject, reviews),
    ]

    def draw(sized: Film) -> str:
        head = describe(sized, tier, models, phases)
        return draw_page(sized, make_sections(sized, first, last), head, look)

    html, _ = fit_page(subject, options, draw)
    _write(page, html)
    _write(funnel, stand_alone(draw_funnel(counts)))
    _write(timeline, stand_alone(first[1].blocks[0].svg))
    return _count(counts, html)


def _write(path: str, text: str) -> None:
    with replace_when_done(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _count(funnel: Funnel, page: str) -> Counts:
    found = {"images": page.count("data:image/jpeg"), "kilobytes": len(page) // 1000}
    return Counts(funnel.unit, funnel.read, funnel.left, funnel.aside, found)


if __name__ == "__main__":
    run_phase(main, snakemake)
