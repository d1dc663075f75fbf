"""Draw one page from all tables of a film, and sum up its progress.

Reads every table of the film's kinds and a few of its images; leaves index.html, which is one
file and asks the network for nothing, two of its drawings as SVG, and progress.json.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.progress_file import sum_progress
from workflow_scripts.lib.version import stamp
from workflow_scripts.report.page.adapters import has_random_base, show_adapters
from workflow_scripts.report.page.blocks import Section
from workflow_scripts.report.page.charts import draw_funnel
from workflow_scripts.report.page.composition import show_composition
from workflow_scripts.report.page.datasets import show_datasets
from workflow_scripts.report.page.film import (
    Film,
    make_strip,
    show_figures,
    show_frames,
    show_funnel,
    show_timeline,
)
from workflow_scripts.report.page.funnel import Funnel, format_reason
from workflow_scripts.report.page.image_lists import SPLITS
from workflow_scripts.report.page.images import Look
from workflow_scripts.report.page.packed import find_empty
from workflow_scripts.report.page.people import show_faces, show_people, show_poses
from workflow_scripts.report.page.places import show_backgrounds, show_lighting, show_locations
from workflow_scripts.report.page.results import Results
from workflow_scripts.report.page.suites import show_suites
from workflow_scripts.report.page.svg import stand_alone
from workflow_scripts.report.page.template import fill_template
from workflow_scripts.report.page.verdicts import show_verdicts
from workflow_scripts.report.page.workings import (
    show_accuracy,
    show_models,
    show_problems,
    show_timings,
)

WIDTHS = (1280, 960, 640, 480)  # of images, where a page of larger ones would be too large
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
    show_suites,
    show_composition,
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
        "words": list_words(film),
        "limits": {row["name"]: row["limit"] for row in models.values() if row.get("limit")},
        "empty": find_empty(film),
        "random_base": models["base"]["name"] if has_random_base(film) else "",
    }
    stamp(head)
    return head


def list_words(film: Film) -> list[str]:
    """What one may search for, to choose from: characters, datasets, splits, reasons."""
    reasons = sorted(set(film.results.frames()["reason"]) - {""})
    return [*film.who, *film.datasets, *SPLITS.values(), *map(format_reason, reasons)]


def make_sections(
    film: Film, first: Sequence[Section], last: Sequence[Section | None]
) -> list[Section]:
    """All chapters in the order of the page; those with images are made here."""
    found = [*first, *(chapter(film) for chapter in CHAPTERS), *last]
    return [section for section in found if section]


def fit_page(film: Film, options: Mapping[str, Any], draw: Any) -> tuple[str, int]:
    """Draw with smaller, then fewer images until the page is small enough; also their number."""
    size, width, limit = options["gallery_size"], options["image_px"], options["max_mb"] * 1e6
    while True:
        look = Look(size, width, options["quality"])
        page = draw(Film(film.name, film.block, film.datasets, film.results, look))
        log.info("%d images of %d px per gallery: %.1f MB", size, width, len(page) / 1e6)
        smaller = [px for px in WIDTHS if px < min(width, look.widest)]
        if len(page) <= limit or not (smaller or size > 2):
            return page, size
        width, size = (smaller[0], size) if smaller else (width, size // 2)


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
    composition: Sequence[str] = (),
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
    subject = Film(
        folder.name,
        film,
        datasets,
        Results(folder, [*tables, *proofs, *composition]),
        Look(0, 0, 0),
    )
    phases = sum_progress(folder)["phases"]
    files = yaml.safe_load(Path(registry).read_text(encoding="utf-8"))["files"]
    funnel_section, counts = show_funnel(subject)
    timeline_section = show_timeline(subject)
    first = [show_verdicts(subject), funnel_section, timeline_section]
    last = [
        show_accuracy(subject, proofs),
        show_timings(subject, benchmarks, phases),
        show_models(models, files, uncalibrated),
        show_problems(subject, reviews),
    ]

    def draw(sized: Film) -> str:
        head = describe(sized, tier, models, phases)
        sections = make_sections(sized, first, last)
        return fill_template(look, film=sized, sections=sections, head=head)

    html, _ = fit_page(subject, options, draw)
    _write(page, html)
    _write(funnel, stand_alone(draw_funnel(counts)))
    _write(timeline, stand_alone(timeline_section.blocks[0].svg))
    return _count(counts, html)


def _write(path: str, text: str) -> None:
    with replace_when_done(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _count(funnel: Funnel, page: str) -> Counts:
    found = {"images": page.count("data:image/webp"), "kilobytes": len(page) // 1000}
    return Counts(funnel.unit, funnel.read, funnel.left, funnel.aside, found)


if __name__ == "__main__":
    run_phase(main, snakemake)
