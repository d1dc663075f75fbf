"""Which phases run again after an edit: exactly those that depend on it.

Run on empty files that Snakemake takes for finished results: only plans are made here.
"""

import re
from pathlib import Path

import pytest

from tests.factories import copy_in_code
from tests.factories.plans import Change, edited, make_plans
from tests.factories.runs import ROOT
from workflow_scripts.lib.code import Code

RULES_TEXT = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("rules/*/*.smk"))
SHOWN = {"build_report", "all"}
PROVEN = {"measure_accuracy"} | SHOWN
TRAINED = {"train_adapter", "evaluate_adapter", "compare_adapters"} | SHOWN
PACKED = {"pack_dataset", "analyze_dataset"} | TRAINED | PROVEN
SELECTED = {"select_images"} | PACKED
CAPTIONED = {"write_captions"} | PACKED
FACTS = SELECTED | CAPTIONED
WEIGHTS = {"fetch_model", "fetch_folder", "fetch_film", "build_base"}
ALL_PHASES = {"all", *re.findall(r"^rule (\w+):", RULES_TEXT, re.MULTILINE)} - WEIGHTS
ALL_PHASES -= {"describe_images"}  # only of models that look at images
ALL_PHASES -= {  # only where they are asked for
    *("draw_class_images", "draw_suite", "measure_suite", "score_suite"),
    *("compose_adapters", "search_adapter", "rank_trials"),
}

FACES = {"score_expressions", "classify_expressions", "classify_poses"} | FACTS

# what is edited: (file, text, what comes in its place; no text: the line is added at the end)
WORDS = {  # nothing runs again
    "a comment in a phase script": ("workflow_scripts/film/filter_frames.py", "", "# why\n"),
    "a docstring in lib": (
        "workflow_scripts/lib/manifest.py",
        '"""Tables on disk: ',
        '"""Tables in files: ',
    ),
    "a comment in the config": ("config/config.yaml", "", "# mine\n"),
    "a new function in lib": ("workflow_scripts/lib/images.py", "", "\n\ndef f():\n    return 1\n"),
    "an annotation": (
        "workflow_scripts/film/people/clusters.py",
        "max_distance: float",
        "max_distance: int",
    ),
    "a word in lib/errors": ("workflow_scripts/lib/errors.py", "The disk is full.", "Disk full."),
    "a message of a phase": (
        "workflow_scripts/film/cluster_scenes.py",
        "Keep one of them.",
        "One of them is wrong.",
    ),
    "a figure in a message": (
        "workflow_scripts/film/cluster_scenes.py",
        "{int((~known).sum())} have no vector",
        "{int(known.sum())} have a vector",
    ),
    "a message of the trainer": (
        "workflow_scripts/adapter/training_checks.py",
        "These layers would stay as they are",
        "These layers stay as they are",
    ),
    "a log line": ("workflow_scripts/film/classify_poses.py", '"actions: %s"', '"they do: %s"'),
    "the label of a progress bar": (
        "workflow_scripts/film/estimate_poses.py",
        '"measuring poses"',
        '"poses"',
    ),
    "the interval of progress lines": (
        "workflow_scripts/lib/phase.py",
        "every_s: float = 30.0",
        "every_s: float = 5.0",
    ),
    "the version": ("workflow_scripts/lib/version.py", 'VERSION = "', 'VERSION = "9.'),
    "how a phase is run": ("workflow_scripts/lib/phase.py", "sys.exit(1)", "sys.exit(2)"),
    "how a finished file is put in its place": (
        "workflow_scripts/lib/manifest.py",
        ".partial",
        ".unfinished",
    ),
    "the name of a count": (
        "workflow_scripts/film/crop_faces.py",
        '{"no_face": len',
        '{"none": len',
    ),
}
EDITS = {
    "how tables are written": (
        "workflow_scripts/lib/manifest.py",
        'compression="zstd"',
        'compression="snappy"',
        ALL_PHASES,
    ),
    "a function in lib that some phases use": (
        "workflow_scripts/lib/images.py",
        "int(np.ceil(x1))",
        "int(np.floor(x1))",
        {"read_text", "select_text", "filter_frames", "cluster_scenes", "embed_images"}
        | {"inpaint_backgrounds", "crop_faces", "identify_characters", "classify_lighting"}
        | FACES,
    ),
    "a function that two phases use": (
        "workflow_scripts/film/people/clusters.py",
        "where=others > 0",
        "where=others > 1",
        {"embed_references", "identify_characters"} | FACTS,
    ),
    "a private function that one phase uses": (
        "workflow_scripts/film/people/clusters.py",
        "astype(float)",
        "astype(int)",
        {"identify_characters"} | FACTS,
    ),
    "a function that datasets use": (
        "workflow_scripts/dataset/balance.py",
        "0.1 * seen.sum()",
        "0.2 * seen.sum()",
        SELECTED,
    ),
    "a constant of one phase": (
        "workflow_scripts/film/people/pose_labels.py",
        "MIN_SURE = 0.5",
        "MIN_SURE = 0.4",
        {"classify_poses"} | FACTS,
    ),
    "a constant of a loader": (
        "workflow_scripts/models/loaders/centerface.py",
        "MIN_SCORE = 0.35",
        "MIN_SCORE = 0.4",
        {"crop_faces"} | FACES,
    ),
    "the optimizer of the trainer": (
        "workflow_scripts/adapter/trainer.py",
        "",
        "torch.use_deterministic_algorithms(False)\n",
        TRAINED,
    ),
    "how progress is summed": (
        "workflow_scripts/lib/progress_file.py",
        "TOO_MUCH = 2**63",
        "TOO_MUCH = 2**62",
        SHOWN,
    ),
    "the page's look": ("resources/report/page.css", "", "p {}\n", SHOWN | {"compare_adapters"}),
    "a figure of the truth": (
        "resources/demo_film/truth/instances.csv",
        "",
        "\n",
        PROVEN,
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


def hash_all(project: Path) -> dict[str, str]:
    """Hash of the code of every phase."""
    code = Code(project)
    entries = re.findall(r'hash_code\(\s*"([\w.]+)"', RULES_TEXT)
    assert len(entries) > 20
    return {entry: code.hash(entry) for entry in entries}


@pytest.fixture(scope="module")
def hashes(project):
    return hash_all(project)


@pytest.mark.parametrize("name", WORDS)
def test_words_change_no_hash(project, hashes, name):
    """Not that of the training either, which is part of what a checkpoint is known by."""
    file, text, replacement = WORDS[name]
    with edited(project / file, text, replacement):
        assert hash_all(project) == hashes


@pytest.fixture(scope="module")
def plans(project, table):
    """Edit -> its plan; under "words" that of all words together."""
    edits = {name: [edit[:3]] for name, edit in EDITS.items()} | {"words": list(WORDS.values())}
    made = make_plans(project, [Change(edits=each) for each in edits.values()])
    found = dict(zip(edits, made, strict=True))
    table += [(name, found["words"].rules) for name in WORDS]
    table += [(name, found[name].rules) for name in EDITS]
    return found


def test_words_repeat_nothing(plans):
    assert plans["words"].error == ""
    assert plans["words"].rules == set()


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_repeats_exactly_what_depends_on_it(plans, name):
    assert plans[name].error == ""
    assert plans[name].rules == EDITS[name][3]


@pytest.mark.parametrize("name", ["a constant of a loader", "a first review of expressions"])
def test_the_plan_is_that_of_a_real_dry_run(project, plans, name):
    file, text, replacement, _ = EDITS[name]
    with edited(project / file, text, replacement):
        assert copy_in_code.planned_rules(project) == plans[name].rules - {"all"}


def test_a_touched_script_repeats_nothing(project, table):
    (project / "workflow_scripts/film/segment_instances.py").touch()
    table.append(("a touch of a script", copy_in_code.planned_rules(project)))
    assert table[-1][1] == set()


def test_a_clone_on_another_machine_with_these_results_repeats_nothing(project, table, tmp_path):
    clone = copy_in_code.clone_project(project, tmp_path, ["results", ".snakemake"])
    table.append(("another clone, results and .snakemake", copy_in_code.planned_rules(clone)))
    assert table[-1][1] == set()


def test_a_clone_without_the_records_takes_its_results_by_touch(project, table, tmp_path):
    clone = copy_in_code.clone_project(project, tmp_path, ["results", "resources/models"])
    table.append(("another clone, results only", copy_in_code.planned_rules(clone)))
    assert table[-1][1] == ALL_PHASES - {"all"}  # Snakemake knows no sums, and all inputs are newer
    copy_in_code.run_snakemake(clone, "--touch", "--cores", "1")
    table.append(("the same after --touch", copy_in_code.planned_rules(clone)))
    assert table[-1][1] == set()
