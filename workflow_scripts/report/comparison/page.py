"""The page that shows evaluations side by side: one file, which asks the network for nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import Counts, log
from workflow_scripts.lib.version import stamp
from workflow_scripts.report.comparison.evaluations import Evaluation, read_evaluations
from workflow_scripts.report.comparison.members import Contest, Group, hold_contests
from workflow_scripts.report.comparison.pairs import group_evaluations
from workflow_scripts.report.comparison.sections import (
    explain_unpaired,
    show_empty,
    show_group,
    show_overview,
)
from workflow_scripts.report.page.blocks import Section
from workflow_scripts.report.page.images import Look
from workflow_scripts.report.page.template import fill_template

WIDTHS = (768, 512, 384, 256, 192, 128, 96)  # of images, where larger ones make too large a page


def write_comparison(
    folders: Sequence[str | Path],
    look: Sequence[str | Path],
    page: str | Path,
    names: Mapping[str, str],
    options: Mapping[str, Any],
) -> Counts:
    """Show folders that evaluate_adapter wrote; those with the same prompts are compared.

    `look` is the template with what it includes; `names` say what variants are called ("": the
    chosen one). Raises CineloraError where a folder is none, or they are of different bases.
    """
    evaluations = read_evaluations(folders)
    several = len({one.film for one in evaluations}) > 1
    groups = [Group(each, names, several) for each in group_evaluations(evaluations)]
    contests = [[] if group.first.empty else hold_contests(group) for group in groups]
    head = describe(evaluations, groups)
    overview = show_overview(groups, contests)

    def draw(image_look: Look) -> str:
        sections = [overview, *make_sections(groups, contests, image_look)]
        return fill_template(look, head=head, sections=sections)

    html = fit_page(groups, options, draw)
    with replace_when_done(page) as partial:
        partial.write_text(html, encoding="utf-8")
    empty = sum(bool(one.empty) for one in evaluations)
    found = {"images": html.count("data:image/webp"), "kilobytes": len(html) // 1000}
    kept = len(evaluations) - empty
    return Counts("adapters", len(evaluations), kept, {"empty": empty} if empty else {}, found)


def make_sections(
    groups: Sequence[Group], contests: Sequence[Sequence[Contest]], look: Look
) -> list[Section]:
    """A section for each group, in the order given."""
    sections = []
    judged = [group for group in groups if not group.first.empty]
    for n, group in enumerate(groups):
        if group.first.empty:
            sections.append(show_empty(n, group))
            continue
        section = show_group(n, group, contests[n], look)
        notes = explain_unpaired(group, judged)
        blocks = [*notes, *section.blocks]
        sections.append(Section(section.id, section.title, section.lead, blocks))
    return sections


def describe(evaluations: Sequence[Evaluation], groups: Sequence[Group]) -> dict[str, Any]:
    """The head of the page."""
    judged = [one for one in evaluations if not one.empty]
    films = [film for film in dict.fromkeys(one.film for one in evaluations) if film]
    bases = dict.fromkeys(one.how["adapter"]["base"] for one in judged)
    count = len(evaluations)
    head = {
        "title": ", ".join(films) or "adapters",
        "facts": [f"{count} adapter{'s' * (count != 1)}", *(f"base: {base}" for base in bases)],
        "random_base": next(
            (one.how["adapter"]["base"] for one in judged if one.scores["base_is_random"].any()), ""
        ),
        "apart": len(groups) if len(groups) > 1 else 0,
    }
    stamp(head)
    return head


def fit_page(groups: Sequence[Group], options: Mapping[str, Any], draw: Any) -> str:
    """Draw with smaller images, then fewer prompts and seeds, until the page is small enough."""
    size = max([1, *(len(group.first.asked) for group in groups)])
    width, limit = options["image_px"], options["max_mb"] * 1e6
    while True:
        look = Look(size, width, options["quality"])
        page = draw(look)
        log.info("at most %d rows of %d px: %.1f MB", size, width, len(page) / 1e6)
        smaller = [px for px in WIDTHS if px < min(width, look.widest)]
        if len(page) <= limit or not (smaller or size > 1):
            return page
        width, size = (smaller[0], size) if smaller else (width, size // 2)
