import numpy as np
import pandas as pd
import pytest

from benchmarks import character_control
from benchmarks.character_control import compare, measure_margins, spread, write_prompts
from workflow_scripts.adapter.training_data import TrainingImage


def test_a_margin_is_to_the_next_best_character():
    centers = np.eye(3)
    vectors = np.array([[1.0, 0, 0], [0.6, 0.8, 0]])
    margins = measure_margins(vectors, centers)
    np.testing.assert_allclose(margins, [[1, -1, -1], [-0.2, 0.2, -0.8]])


def make_rows(own: float, other: float) -> pd.DataFrame:
    """Margins of two characters' adapters and of the base, over six prompts and two seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for adapter in ("none", "ada", "bo"):
        for seed in (0, 1):
            for prompt in range(6):
                for judged in ("ada", "bo"):
                    mean = own if adapter == judged else other
                    margin = mean + 0.01 * rng.standard_normal()
                    row = (adapter, seed, prompt, judged, margin, float(margin > 0))
                    rows.append(row)
    names = ["adapter", "seed", "prompt", "judged_for", "margin", "recognized"]
    return pd.DataFrame(rows, columns=names)


def test_an_adapter_of_its_character_is_above_the_others():
    table = compare(make_rows(0.1, -0.1)).set_index("character")
    assert table["images"].tolist() == [12, 12]
    assert table["difference"].to_numpy() == pytest.approx(0.2, abs=0.02)
    assert (table["standard errors"] > 20).all()
    assert (table["recognized"] == 1).all() and (table["control recognized"] == 0).all()


def test_adapters_that_only_learn_the_film_are_not_above_their_control():
    table = compare(make_rows(0.1, 0.1))
    assert (table["standard errors"].abs() < 3).all()


def test_prompts_leave_a_place_for_who_it_is(monkeypatch):
    texts = ["ada woman, beach", "ada woman, night", "a street without her"]

    def read(folder, split):
        return [TrainingImage(str(n), "x.png", text, "ada") for n, text in enumerate(texts)]

    monkeypatch.setattr(character_control, "read_split", read)
    who = {"ada": {"trigger": "ada", "class": "woman"}}
    assert write_prompts({"ada": "x"}, who, 4) == ["{}, beach", "{}, night"]


@pytest.mark.parametrize(
    ("count", "most", "places"), [(5, 2, [0, 4]), (2, 5, [0, 1]), (0, 3, []), (9, 3, [0, 4, 8])]
)
def test_what_is_drawn_is_spread_over_the_film(count, most, places):
    assert spread(count, most) == places
