"""What the report says of an adapter: what is proven, what is not, and against what."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report.page.adapters import (
    state_findings,
    state_proof,
    tabulate_levels,
)
from workflow_scripts.report.page.blocks import Table

NAN = np.nan
COLUMNS = ["score", "adapter", "strength", "over", "value", "low", "high", "clusters"]


def make_scores(*rows):
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.assign(n=8, better="up", note="a note", base_is_random=False)


def margin(score, over, value, low, high, strength=1.0, clusters=4):
    return (score, "own", strength, over, value, low, high, clusters)


def say(*rows, triggers=None):
    """Sentences and their tones, and the rows of the table."""
    blocks = state_proof(make_scores(*rows), triggers or {})
    notes = [(note.text, note.tone) for note in blocks if not isinstance(note, Table)]
    return notes, [block.rows for block in blocks if isinstance(block, Table)]


def test_a_margin_clear_of_0_is_said_to_be_better_and_another_not():
    notes, (table,) = say(
        margin("heldout_loss", "other_subject", 0.03, 0.01, 0.05),
        margin("similarity", "other_subject", 0.02, -0.01, 0.05),
        margin("heldout_loss", "shuffled_captions", -0.03, -0.05, -0.01),
        triggers={"other_subject": "bruno man"},
    )
    assert notes[0] == (
        "Better than the same training on somebody else: loss on held-out images."
        " No difference to the same training on somebody else is shown: similarity to held-out"
        " images.",
        "good",
    )
    assert notes[1][1] == "warn"
    assert notes[1][0].startswith("Worse than the same training with shuffled captions: loss on")
    assert table[0] == [
        "the same training on somebody else (bruno man)",
        "+0.03, better\n0.01 to 0.05, of 4 shots",
        "",
        "+0.02, no difference shown\n-0.01 to 0.05, of 4 prompts",
        "",
    ]


def test_one_shot_is_too_few_to_say():
    notes, (table,) = say(margin("heldout_loss", "base", 0.03, NAN, NAN, clusters=1))
    assert notes[0] == (
        "Too few shots or prompts to say, beside the base model alone: loss on held-out images.",
        "plain",
    )
    assert table[0][1] == "+0.03, too few to say\nof 1 shot"


def test_a_control_that_is_not_there_is_named():
    notes, _ = say(margin("similarity", "base", 0.1, 0.05, 0.2))
    texts = [text for text, _ in notes]
    assert "Not compared with the same training on somebody else." in texts[1]
    assert "Not compared with the same training with shuffled captions." in texts[2]
    assert "controls.shuffled_captions" in texts[2]


def test_claims_are_of_full_strength():
    notes, (table,) = say(
        margin("similarity", "base", 0.5, 0.4, 0.6, strength=0.5),
        margin("similarity", "base", -0.1, -0.2, -0.05, strength=1.0),
    )
    assert notes[0][0].startswith("Worse than the base model alone")
    assert len(table) == 1


@pytest.mark.parametrize(("change", "count"), [(0.0, 0), (0.2, 1)])
def test_an_adapter_that_draws_otherwise_at_strength_0_is_told(change, count):
    notes, _ = say(("change_at_strength_0", "own", 0.0, "", change, NAN, NAN, 2))
    assert sum("At strength 0 a pixel changes by 0.2" in text for text, _ in notes) == count


def test_levels_stand_side_by_side():
    rows = [
        ("similarity", "own", 1.0, "", 0.5, 0.4, 0.6, 4),
        ("similarity", "base", 0.0, "", 0.4, NAN, NAN, 1),
        ("similarity", "other_subject", 1.0, "", 0.45, NAN, NAN, 1),
        ("similarity", "own", 1.0, "base", 0.1, NAN, NAN, 1),
        ("retrieval", "film", NAN, "", 0.9, NAN, NAN, 1),
        ("change_at_strength_0", "own", 0.0, "", 0.0, NAN, NAN, 2),
    ]
    table = tabulate_levels(make_scores(*rows))
    names = ["base alone", "strength 1", "other subject", "the film itself"]
    assert table.head == ["score", *names, "better", ""]
    assert table.rows == [
        ["similarity", "0.4", "0.5\n0.4 to 0.6", "0.45", "", "higher", "a note"],
        ["retrieval", "", "", "", "0.9", "higher", "a note"],
    ]


def test_what_is_wrong_is_said_first_and_what_is_not_measured_last():
    notes = state_findings(
        make_scores(
            ("overrun", "own", 1.0, "", -0.1, -0.2, -0.05, 3),
            ("prompts_kept", "own", 1.0, "", 0.2, 0.1, 0.3, 3),
            margin("retrieval", "other_subject", -0.2, -0.3, -0.1),
            ("copy_limit", "film", NAN, "", NAN, NAN, NAN, 0),
        )
    )
    assert [note.tone for note in notes] == ["warn", "good", "plain"]
    assert "no, less (-0.2, -0.3 to -0.1)" in notes[0].text
    assert notes[1].text == (
        "Unrelated prompts draw what they drew, within what another seed changes."
    )
    assert "19 are needed" in notes[2].text and "copies training images" in notes[2].text
