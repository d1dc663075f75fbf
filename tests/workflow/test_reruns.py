"""Which phases run again after an edit: exactly those that depend on it.

Run on empty files that Snakemake takes for finished results: only plans are made here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.factories import copy_in_code

SHOWN = {"build_report", "all"}
PROVEN = {"measure_accuracy"} | SHOWN
TRAINED = {"train_adapter", "evaluate_adapter"} | SHOWN
PACKED = {"pack_dataset", "analyze_dataset", "train_adapter", "evaluate_adapter"} | PROVEN
SELECTED = {"select_images"} | PACKED
CAPTIONED = {"write_captions"} | PACKED
FACTS = SELECTED | CAPTIONED

# what is edited: (file, text, what comes in its place; no text: the line is added at the end)
EDITS = {
    "a comment in a phase script": ("workflow_scripts/film/filter_frames.py", "", "# why\n", set()),
    "a docstring in lib": (
        "workflow_scripts/lib/manifest.py",
        '"""Tables on disk: ',
        '"""Tables in files: ',
        set(),
    ),
    "a comment in the config": ("config/config.yaml", "", "# mine\n", set()),
    "a function in lib that two phases use": (
        "workflow_scripts/film/people/clusters.py",
        "",
        "EDITED = 1\n",
        {"embed_references", "identify_characters"} | FACTS,
    ),
    "a function in lib that datasets use": (
        "workflow_scripts/dataset/balance.py",
        "",
        "EDITED = 1\n",
        SELECTED,
    ),
    "a statement in a phase script": (
        "workflow_scripts/film/classify_poses.py",
        "",
        "EDITED = 1\n",
        {"classify_poses"} | FACTS,
    ),
    "the page's look": ("resources/report/page.css", "", "p {}\n", SHOWN),
    "a threshold": (
        "config/options/film.yaml",
        "min_sharpness: 0.25",
        "min_sharpness: 0.3",
        {"filter_frames"} | SELECTED,
    ),
    "a limit of the selection": (
        "config/options/dataset.yaml",
        "max_occlusion: 0.4",
        "max_occlusion: 0.3",
        SELECTED,
    ),
    "a trigger of one's own": (
        "config/options/dataset.yaml",
        "triggers: {}",
        "triggers: {pose: my pose}",
        CAPTIONED,
    ),
    "core tags": (
        "config/config.yaml",
        "nella: {trigger: nella,",
        "nella: {core_tags: [red scarf], trigger: nella,",
        CAPTIONED,
    ),
    "the width of masks": (
        "config/options/dataset.yaml",
        "mask_dilate_px: 12",
        "mask_dilate_px: 9",
        PACKED,
    ),
    "a threshold of text": (
        "config/options/film.yaml",
        "min_confidence: 0.8",
        "min_confidence: 0.9",
        {"select_text", "filter_frames", "cluster_scenes", "classify_lighting"} | CAPTIONED,
    ),
    "how a line of text is followed": (
        "config/options/film.yaml",
        "min_fit: 0.7",
        "min_fit: 0.6",
        {"select_text", "filter_frames", "cluster_scenes", "classify_lighting"} | CAPTIONED,
    ),
    "a threshold of light": (
        "config/options/film.yaml",
        "sunset_warm: 1.25",
        "sunset_warm: 1.2",
        {"classify_lighting"} | CAPTIONED,
    ),
    "a threshold of expressions": (
        "config/options/film.yaml",
        "prior_correction: 0.5",
        "prior_correction: 0.4",
        {"classify_expressions"} | CAPTIONED,
    ),
    "an option of the training": (
        "config/options/adapter.yaml",
        "weight_decay: 0.01",
        "weight_decay: 0.02",
        TRAINED,
    ),
    "an option of the page": (
        "config/options/report.yaml",
        "thumb_px: 320",
        "thumb_px: 300",
        SHOWN,
    ),
    "a review of places": (
        "config/reviews/demo/locations.csv",
        "",
        "s0001_f000030,elsewhere\n",
        {"cluster_scenes", "classify_lighting"} | FACTS,
    ),
    "a first review of expressions": (
        "config/reviews/demo/expressions.csv",
        "",
        "id,emotion\n",
        {"classify_expressions"} | FACTS,
    ),
    "a first review of who is who": (
        "config/reviews/demo/identities.csv",
        "",
        "id,character\n",
        {"identify_characters"} | FACTS,
    ),
    "a first review of captions": (
        "config/reviews/demo/captions.csv",
        "",
        "kind,image_id,caption\n",
        CAPTIONED,
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which every result counts as finished."""
    folder = copy_in_code.copy_project(tmp_path_factory.mktemp("project"))
    copy_in_code.pretend_finished(folder)
    return folder


@contextmanager
def edited(path: Path, text: str, replacement: str) -> Iterator[None]:
    """Change a file (or make it) for a while; afterwards it is as it was, its time stamp too."""
    before = (path.read_text(), path.stat()) if path.exists() else None
    old = before[0] if before else ""
    assert text in old, f"{path} does not hold {text!r}"
    path.write_text(old.replace(text, replacement, 1) if text else old + replacement)
    try:
        yield
    finally:
        if before:
            path.write_text(before[0])
            os.utime(path, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))
        else:
            path.unlink()


@pytest.fixture(scope="module")
def table():
    """Rows (edit, rules that run again); printed at the end, for `pytest -s`."""
    rows = []
    yield rows
    print("\n\n| edit | what runs again |\n|---|---|")
    for edit, rules in rows:
        print(f"| {edit} | {', '.join(sorted(rules)) or 'nothing'} |")


def test_a_second_run_has_nothing_to_do(project, table):
    table.append(("none", copy_in_code.planned_rules(project)))
    assert table[-1][1] == set()


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_repeats_exactly_what_depends_on_it(project, table, name):
    file, text, replacement, expected = EDITS[name]
    with edited(project / file, text, replacement):
        table.append((name, copy_in_code.planned_rules(project)))
    assert table[-1][1] == expected


def test_a_touched_script_repeats_nothing(project, table):
    (project / "workflow_scripts/film/segment_instances.py").touch()
    table.append(("a touch of a script", copy_in_code.planned_rules(project)))
    assert table[-1][1] == set()


def test_a_fresh_clone_over_existing_results_repeats_nothing(project, table):
    for path in copy_in_code.list_code(project):
        path.touch()
    table.append(("a fresh clone: every file is new", copy_in_code.planned_rules(project)))
    assert table[-1][1] == set()
