"""What the report says of adapters that were put together."""

import numpy as np
import pandas as pd

from workflow_scripts.report.page.composition import (
    rank_pairs,
    state_composition,
    state_predictor,
    tabulate,
)

NAN = np.nan
COLUMNS = ["attribute", "score", "beside", "weight", "gain", "gain_low", "gain_high"]
COLUMNS += ["retention", "low", "high", "change"]


def row(attribute, beside, kept, gain=(0.1, 0.05, 0.15), weight=1.0, score="heldout_loss"):
    return (attribute, score, beside, weight, *gain, *kept, -0.02)


def make_rows(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


ROWS = make_rows(
    row("pose", "", (1.0, 1.0, 1.0)),
    row("style", "", (1.0, 1.0, 1.0)),
    row("light", "", (NAN, NAN, NAN), gain=(0.1, -0.1, 0.3)),
    row("pose", "style", (0.6, 0.5, 0.7)),
    row("style", "pose", (0.9, 0.7, 1.1)),
    row("light", "pose", (NAN, NAN, NAN)),
    row("pose", "style + light", (0.4, 0.2, 0.6)),
    row("pose", "style + light", (0.8, 0.6, 0.9), weight=0.5),
)


def test_interference_is_named_and_so_is_who_has_nothing_to_lose():
    notes = state_composition(ROWS)
    assert notes[0].text == "pose loses 0.40 beside style (heldout loss; 0.30 to 0.50)."
    assert notes[0].tone == "warn"
    assert notes[1].text.endswith("so nothing can be lost: light.")
    quiet = state_composition(ROWS[ROWS["beside"].isin(["", "pose"])])
    assert quiet[0].text.startswith("No adapter is shown to lose anything")


def test_adapters_stand_down_and_their_company_across():
    (table,) = tabulate(ROWS)
    assert table.title == "Retention: loss on held-out images"
    company = ["pose", "style", "all others", "all others at 0.5"]
    assert table.head == ["adapter", "gain alone", *(f"beside {one}" for one in company)]
    gain = "+0.1\n0.05 to 0.15"
    assert table.rows == [
        ["pose", gain, "", "0.60\n0.50 to 0.70", "0.40\n0.20 to 0.60", "0.80\n0.60 to 0.90"],
        ["style", gain, "0.90\n0.70 to 1.10", "", "", ""],
        ["light", "+0.1\n-0.1 to 0.3", "–\n(-0.02)", "", "", ""],
    ]


def test_the_predictor_is_stated_with_its_pairs():
    (note,) = state_predictor({"rank_correlation": 0.52, "pairs": 15})
    assert note.text.endswith("lose together: +0.52, of 15 pairs.")
    assert state_predictor({"rank_correlation": None, "pairs": 1}) == []


def test_pairs_are_ordered_by_their_cosine_and_name_a_layer():
    layers = pd.DataFrame(
        [
            ("", "a", "b", 0.1),
            ("x", "a", "b", 0.2),
            ("y", "a", "b", -0.6),
            ("", "a", "c", 0.3),
            ("x", "a", "c", 0.3),
            ("", "b", "c", NAN),
        ],
        columns=["layer", "one", "other", "cosine"],
    )
    (table,) = rank_pairs(layers)
    assert table.rows == [["a and c", "+0.300", "+0.30, x"], ["a and b", "+0.100", "-0.60, y"]]
