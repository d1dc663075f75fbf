"""classify_expressions: evidence along tracks, the film's resting face, people's corrections."""

import numpy as np
import pandas as pd
import pytest

from tests.factories.meshes import AT_REST, GAPE, SMILE
from workflow_scripts.film import classify_expressions as phase
from workflow_scripts.film.people import emotions
from workflow_scripts.film.score_expressions import SCORES
from workflow_scripts.lib.emotions import EMOTIONS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.reviews import read_review

NEUTRAL, HAPPY, SAD = 0, 1, 2


def believe(**shares: float) -> np.ndarray:
    """Log-probabilities of one face: what is named, the rest spread evenly."""
    rest = (1 - sum(shares.values())) / (7 - len(shares))
    return np.log([shares.get(emotion, rest) for emotion in EMOTIONS])


def weigh(faces: list[np.ndarray], tracks: list[str], resting: float = 0.0, **bias: float):
    return emotions.weigh_evidence(
        np.array(faces), pd.Series(tracks), prior_correction=resting, bias=bias
    )


def test_a_track_agrees():
    faces = [believe(happy=0.6), believe(happy=0.6), believe(sad=0.5)]
    assert weigh(faces, ["a", "a", "a"]).argmax(1).tolist() == [HAPPY] * 3
    assert weigh(faces, ["a", "a", "b"]).argmax(1).tolist() == [HAPPY, HAPPY, SAD]


def test_a_face_turned_away_says_nothing_and_hears_its_track():
    faces = [believe(happy=0.6), believe(sad=0.9) * np.nan, believe(sad=0.9) * np.nan]
    chances = weigh(faces, ["a", "a", "b"])
    words = emotions.name_emotions(chances, 0.3)
    assert words["emotion"].tolist() == ["happy", "happy", "unsure"]
    assert words["reason"].tolist() == ["", "", "turned_away"]


def test_what_the_film_always_shows_counts_less():
    resting = believe(neutral=0.6, sad=0.3)
    sadder = believe(neutral=0.5, sad=0.4)
    faces, tracks = [resting, resting, resting, sadder], list("abcd")
    assert weigh(faces, tracks).argmax(1).tolist() == [NEUTRAL] * 4
    assert weigh(faces, tracks, resting=0.9).argmax(1)[3] == SAD


def test_resting_face_counts_each_track_once():
    faces = np.array([believe(happy=0.9)] * 9 + [believe(sad=0.9)])
    rest = emotions.find_resting_face(faces, pd.Series(["long"] * 9 + ["short"]))
    assert rest[HAPPY] == pytest.approx(rest[SAD])


def test_bias_asks_for_more_evidence():
    faces = [believe(fear=0.4, sad=0.3)]
    assert EMOTIONS[weigh(faces, ["a"]).argmax()] == "fear"
    assert EMOTIONS[weigh(faces, ["a"], fear=-0.7).argmax()] == "sad"


@pytest.mark.parametrize(
    ("chances", "words"),
    [
        ({"happy": 0.9}, ("happy", "")),
        ({"neutral": 0.6}, ("neutral", "")),
        ({"happy": 0.59, "sad": 0.3}, ("unsure", "unsure")),
    ],
    ids=["sure", "just sure", "nothing stands out"],
)
def test_name_emotions(chances, words):
    row = emotions.name_emotions(np.exp(believe(**chances))[None], 0.5999).iloc[0]
    assert (row["emotion"], row["reason"]) == words


def test_intensity_is_how_far_the_sign_goes():
    named = pd.Series(["happy", "happy", "surprised", "neutral", "sad", "unsure"])
    broad, faint = -0.02, -0.15  # the limit of a smile is -0.1, its rest -0.2
    extents = pd.DataFrame({"smile": [broad, faint, 0, 0, 0, 0], "open_mouth": 0.14})
    extents["lowered_brows"] = 0.0
    words = emotions.name_intensities(named, extents, [0.5, 0.75])
    assert words.tolist() == ["high", "low", "medium", "low", "medium", "medium"]


def write_review(folder, text: str) -> list[str]:
    (folder / "expressions.csv").write_text(text, encoding="utf-8")
    return [str(folder / "expressions.csv")]


def test_an_instance_wins_over_its_track_and_both_over_the_model(tmp_path):
    rows = pd.DataFrame({"instance_id": ["i0", "i1", "i2"], "emotion": "sad", "intensity": "low"})
    rows = rows.assign(score=0.4, source="model", reason="unsure")
    text = "id,emotion,intensity\nt0,happy,\ni1,fear,high\ngone,fear,high\n"
    review = read_review(write_review(tmp_path, text), "expressions")
    told = phase.apply_review(rows, pd.Series(["t0", "t0", "t1"]), review)
    assert told["emotion"].tolist() == ["happy", "fear", "sad"]
    assert told["intensity"].tolist() == ["medium", "high", "low"]  # nobody said how happy
    assert told["source"].tolist() == ["review", "review", "model"]
    assert told["reason"].tolist() == ["", "", "unsure"]


def run_main(folder, faces: int, review: list[str], shows: dict | None = None, **options):
    """Two shards; the model takes the faces for happy; those of the second are turned a little.

    All have the measures of a smile, but for what `shows` changes in the table of scores.
    """
    names = pd.Series([f"s0001_f{i:06d}_i00" for i in range(faces)], dtype=str)
    people = pd.DataFrame({"instance_id": names, "track_id": ["s0001_t00"] * faces})
    people.to_parquet(folder / "instances.parquet")
    table = pd.DataFrame({"instance_id": names, "gaze_yaw": [0.5 * i for i in range(faces)]})
    table = table.assign(x0=100.0, x1=150.0, y0=100.0, y1=160.0)
    table.to_parquet(folder / "faces.parquet")
    evidence = pd.Series([believe(happy=0.8) for _ in names], dtype=object)
    rows = pd.DataFrame({"instance_id": names, "log_probabilities": evidence})
    rows = rows.assign(**{"mesh_score": 1.0, **AT_REST, **SMILE, **(shows or {})})
    scores = [folder / "01of02.parquet", folder / "02of02.parquet"]
    for path, part in zip(scores, (rows[1:], rows[:1]), strict=True):
        write_manifest(part, path, SCORES)
    limits = {"max_yaw": 0.8, "min_score": 0.6, "prior_correction": 0.0, "bias": {}}
    counts = phase.main(
        *([str(folder / "instances.parquet")], [str(folder / "faces.parquet")], scores),
        *(review, str(folder / "out.parquet")),
        **limits | {"intensity_levels": [0.5, 0.75]} | options,
    )
    assert counts.read == faces
    return counts, read_manifest(folder / "out.parquet")


def test_faces_are_named(tmp_path):
    review = write_review(tmp_path, "id,emotion\ns0001_f000001_i00,angry\ns0009_t00,sad\n")
    counts, table = run_main(tmp_path, 2, review)
    assert table["emotion"].tolist() == ["happy", "angry"]
    assert table["source"].tolist() == ["track", "review"]
    assert table["intensity"].tolist() == ["high", "medium"]
    assert [len(row) for row in table["probabilities"]] == [7, 7]
    assert counts.found["review_unknown"] == 1


def test_features_are_what_was_seen_whatever_the_emotion(tmp_path):
    review = write_review(tmp_path, "id,emotion\ns0001_t00,angry\n")
    _, table = run_main(tmp_path, 1, review, GAPE)
    row = table.iloc[0]
    assert (row["emotion"], row["eyes"], row["mouth"]) == ("angry", "open", "open")
    assert row["brows"] == ""


def test_a_face_that_shows_no_smile_is_not_surely_happy(tmp_path):
    _, smiling = run_main(tmp_path, 1, [])
    _, gaping = run_main(tmp_path, 1, [], GAPE)
    assert smiling["score"][0] > 0.95
    assert gaping["emotion"].tolist() != ["happy"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("mesh_score", 0.5), ("x1", 120.0), ("gaze_yaw", 0.9)],
    ids=["no mesh", "small", "turned away"],
)
def test_what_cannot_be_seen_has_no_words(column, value):
    face = {"x0": 100.0, "x1": 150.0, "y0": 100.0, "y1": 120.0, "gaze_yaw": 0.1, "mesh_score": 1.0}
    clear, dim = (pd.DataFrame([{**AT_REST, **face, **more}]) for more in ({}, {column: value}))
    assert emotions.keep_clear(clear, 0.8).notna().all(axis=None)
    assert emotions.keep_clear(dim, 0.8).isna().all(axis=None)


def test_options_decide_on_stored_evidence(tmp_path):
    turned = run_main(tmp_path, 1, [], max_yaw=-1.0)[1]
    assert turned["reason"].tolist() == ["turned_away"]
    assert turned["mouth"].tolist() == [""]
    strict = run_main(tmp_path, 1, [], min_score=0.999)[1]
    assert strict["reason"].tolist() == ["unsure"]
    biased = run_main(tmp_path, 1, [], bias={"happy": -9.0})[1]
    assert biased["emotion"].tolist() != ["happy"]
    faint = run_main(tmp_path, 1, [], intensity_levels=[0.95, 0.99])[1]
    assert faint["intensity"].tolist() == ["low"]


def test_a_bad_review_stops_the_phase(tmp_path):
    review = write_review(tmp_path, "id,emotion\ni0,joyful\n")
    with pytest.raises(CineloraError, match="line 2: no emotion 'joyful'"):
        run_main(tmp_path, 1, review)


def test_no_face_leaves_an_empty_table(tmp_path):
    _, table = run_main(tmp_path, 0, [])
    assert table.columns.tolist() == phase.EXPRESSIONS.names
    assert len(table) == 0
