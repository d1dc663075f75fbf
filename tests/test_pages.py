"""The pages agree with the project: links lead somewhere, commands exist, phases have a line."""

import re
from pathlib import Path

from workflow_scripts.plan.draw_phases import list_areas

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "config", "profiles", "resources", "rules", "workflow_scripts")
FILES = [*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}


def test_the_readme_stays_short():
    assert 50 < len(PAGES["README.md"].splitlines()) <= 150


def test_every_link_leads_somewhere():
    links = [
        (page, link)
        for page, text in PAGES.items()
        for link in re.findall(r"\]\(([^)#\s]+)\)", text)
        if "://" not in link
    ]
    assert len(links) > 30
    broken = [
        (page, link) for page, link in links if not (ROOT / page).parent.joinpath(link).exists()
    ]
    assert broken == []


def test_every_page_that_moved_out_of_the_readme_is_linked_from_it():
    folders = ("config", "config/reviews", "profiles/slurm", "resources", "rules")
    pages = [f"{folder}/README.md" for folder in folders]
    pages += ["workflow_scripts/dataset/README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    pages += ["resources/demo_film/ACCURACY.md", "benchmarks/timings.md"]
    missing = [page for page in pages if f"]({page})" not in PAGES["README.md"]]
    assert missing == []


def test_every_make_target_that_a_page_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = {
        target
        for text in PAGES.values()
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, flags=re.MULTILINE)
    }
    assert len(named) > 10
    assert named - targets == set()


def test_the_table_of_phases_has_a_line_for_each_and_no_other():
    named = re.findall(r"^\| `(\w+)` \| (?:cpu|gpu) \|", PAGES["rules/README.md"], flags=re.M)
    assert sorted(named) == sorted(list_areas())
