"""What the scores of an adapter say of it, in sentences: each defect, and that it is not there."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.adapter.findings import OPEN, RIGHT, WRONG, judge_adapter

NAN = np.nan
COLUMNS = ["score", "adapter", "strength", "over", "value", "low", "high", "n", "clusters"]
HEALTHY = {
    ("same_image", "own", ""): (0.1, NAN, NAN, 24),
    ("same_image", "base", ""): (0.1, NAN, NAN, 24),
    ("copied_prompts", "own", ""): (0.25, 0.0, 1.0, 4),
    ("copy_risk", "own", ""): (0.125, 0.0, 1.0, 8),
    ("prompts_kept", "own", ""): (0.2, 0.1, 0.3, 6),
    ("overrun", "own", ""): (-0.05, -0.1, -0.01, 3),
    ("heldout_loss", "own", "base"): (0.02, 0.01, 0.03, 8),
    ("retrieval", "own", "other_subject"): (0.3, 0.1, 0.5, 8),
    ("heldout_loss", "own", "shuffled_captions"): (0.02, 0.01, 0.03, 8),
    ("copy_limit", "film", ""): (0.8, NAN, NAN, 40),
}


def find(**changes):
    """Findings by question; a change is score__adapter__over=(value, low, high, n) or None."""
    rows = dict(HEALTHY)
    for name, values in changes.items():
        rows[tuple(name.split("__"))] = values
    table = [
        (score, who, {"own": 1.0, "base": 0.0}.get(who, NAN), over, *values, 4)
        for (score, who, over), values in rows.items()
        if values
    ]
    weak = [("overrun", "own", 0.5, "", 9.0, 8.0, 10.0, 3, 3)]  # strengths below full count not
    found = judge_adapter(pd.DataFrame(table + weak, columns=COLUMNS))
    return {one.question: one for one in found}


def test_of_a_healthy_adapter_everything_is_right():
    found = find()
    assert {name: one.found for name, one in found.items()} == dict.fromkeys(
        ["collapse", "copies", "strength", "subject", "captions"], RIGHT
    )
    assert found["copies"].sentence.startswith("No copying is shown: 1 of 4 prompts drew")
    assert found["subject"].sentence.endswith("yes (+0.3, 0.1 to 0.5).")


@pytest.mark.parametrize(
    ("question", "changes", "words"),
    [
        ("collapse", {"same_image__own__": (0.9, NAN, NAN, 24)}, "Draws nearly one image: 90%"),
        ("copies", {"copied_prompts__own__": (0.75, 0, 1, 4)}, "Copies training images: 3 of 4"),
        ("strength", {"overrun__own__": (0.2, 0.1, 0.3, 3)}, "unrelated prompts change more"),
        ("strength", {"heldout_loss__own__base": (-0.2, -0.3, -0.1, 8)}, "worse than the base"),
        ("subject", {"retrieval__own__other_subject": (-0.2, -0.3, -0.1, 8)}, "no, less"),
        ("captions", {"heldout_loss__own__shuffled_captions": (-0.2, -0.3, -0.1, 8)}, "no, less"),
    ],
)
def test_a_defect_is_said_and_no_other(question, changes, words):
    found = find(**changes)
    assert [name for name, one in found.items() if one.found == WRONG] == [question]
    assert words in found[question].sentence


@pytest.mark.parametrize(
    ("question", "changes", "words"),
    [
        (
            "copies",
            {"copied_prompts__own__": None, "copy_limit__film__": (NAN, NAN, NAN, 12)},
            "not measured: 12 stills resemble one of another shot, 19 are needed",
        ),
        (
            "collapse",
            {"same_image__own__": None, "copy_limit__film__": (NAN, NAN, NAN, 12)},
            "not measured: 12 stills",
        ),
        ("collapse", {"same_image__own__": (NAN, NAN, NAN, 0)}, "takes two prompts"),
        ("strength", {"overrun__own__": (NAN, NAN, NAN, 0)}, "takes two seeds"),
        ("strength", {"prompts_kept__own__": (0.1, -0.1, 0.3, 6)}, "not shown that unrelated"),
        ("subject", {"retrieval__own__other_subject": (0.2, -0.1, 0.5, 8)}, "not shown"),
        ("captions", {"heldout_loss__own__shuffled_captions": (0.2, NAN, NAN, 8)}, "too few"),
    ],
)
def test_what_cannot_be_said_is_said_to_be_open(question, changes, words):
    one = find(**changes)[question]
    assert one.found == OPEN
    assert words in one.sentence


def test_two_prompts_of_four_may_look_like_stills_by_chance():
    assert find(copied_prompts__own__=(0.5, 0, 1, 4))["copies"].found == RIGHT


def test_prompts_that_draw_one_image_without_the_adapter_are_not_its_fault():
    same = (0.9, NAN, NAN, 24)
    assert find(same_image__own__=same, same_image__base__=same)["collapse"].found == RIGHT


def test_without_controls_nothing_is_said_of_them_and_without_scores_nothing_at_all():
    found = find(retrieval__own__other_subject=None, heldout_loss__own__shuffled_captions=None)
    assert set(found) == {"collapse", "copies", "strength"}
    assert judge_adapter(pd.DataFrame(columns=COLUMNS)) == []
