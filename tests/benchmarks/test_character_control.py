import numpy as np
import pandas as pd
import pytest

from benchmarks import character_control
from benchmarks.character_control import compare, spread, write_prompts
from workflow_scripts.adapter.training_data import TrainingImage


def make_rows(own: float, other: float) -> pd.DataFrame:
    """Retrieval of two characters' adapters and of the base, over six prompts and two seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for adapter in ("none", "ada", "bo"):
        for seed in (0, 1):
            for prompt in range(6):
                for judged in ("ada", "bo"):
                    mean = own if adapter == judged else other
                    retrieval = mean + 0.01 * rng.standard_normal()
                    rows.append((adapter, seed, prompt, judged, retrieval))
    return pd.DataFrame(rows, columns=["adapter", "seed", "prompt", "judged_for", "retrieval"])


def test_an_adapter_of_its_character_is_above_the_others():
    table = compare(make_rows(0.7, 0.5)).set_index("character")
    assert table["images"].tolist() == [12, 12]
    assert table["margin"].to_numpy() == pytest.approx(0.2, abs=0.02)
    assert (table["low"] > 0.15).all()
    assert table["base"].to_numpy() == pytest.approx(0.5, abs=0.02)


def test_adapters_that_only_learn_the_film_are_not_above_their_control():
    table = compare(make_rows(0.5, 0.5))
    assert (table["low"] < 0).all() and (table["high"] > 0).all()


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
