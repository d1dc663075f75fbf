"""classify_expressions: evidence along tracks, the film's resting face, people's corrections."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film import classify_expressions as phase
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import read_manifest

NEUTRAL, HAPPY, SAD = 0, 1, 2


def believe(**shares: float) -> np.ndarray:
    """Log-probabilities of one face: what is named, the rest spread evenly."""
    rest = (1 - sum(shares.values())) / (7 - len(shares))
    return np.log([shares.get(emotion, rest) for emotion in phase.EMOTIONS])


def weigh(faces: list[np.ndarray], tracks: list[str], resting: float = 0.0, **bias: float):
    return phase.weigh_evidence(
        np.array(faces), pd.Series(tracks), prior_correction=resting, bias=bias
    )


def test_a_track_agrees():
    faces = [believe(happy=0.6), believe(happy=0.6), believe(sad=0.5)]
    assert weigh(faces, ["a", "a", "a"]).argmax(1).tolist() == [HAPPY] * 3
    assert weigh(faces, ["a", "a", "b"]).argmax(1).tolist() == [HAPPY, HAPPY, SAD]


def test_a_face_turned_away_says_nothing_and_hears_its_track():
    faces = [believe(happy=0.6), believe(sad=0.9) * np.nan, believe(sad=0.9) * np.nan]
    chances = weigh(faces, ["a", "a", "b"])
    words = phase.name_emotions(chances, 0.3, [0.45, 0.7])
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
    rest = phase.find_resting_face(faces, pd.Series(["long"] * 9 + ["short"]))
    assert rest[HAPPY] == pytest.approx(rest[SAD])


def test_bias_asks_for_more_evidence():
    faces = [believe(fear=0.4, sad=0.3)]
    assert phase.EMOTIONS[weigh(faces, ["a"]).argmax()] == "fear"
    assert phase.EMOTIONS[weigh(faces, ["a"], fear=-0.7).argmax()] == "sad"


@pytest.mark.parametrize(
    ("chances", "words"),
    [
        ({"happy": 0.9}, ("happy", "high", "")),
        ({"happy": 0.6}, ("happy", "medium", "")),
        ({"happy": 0.4}, ("happy", "low", "")),
        ({"neutral": 0.9}, ("neutral", "low", "")),
        ({"happy": 0.2, "sad": 0.19}, ("unsure", "low", "unsure")),
    ],
    ids=["strong", "middling", "faint", "neutral is never strong", "nothing stands out"],
)
def test_name_emotions(chances, words):
    row = phase.name_emotions(np.exp(believe(**chances))[None], 0.3, [0.45, 0.7]).iloc[0]
    assert (row["emotion"], row["intensity"], row["reason"]) == words


def test_views_keep_the_face_and_are_mirrored():
    crop = np.zeros((100, 100, 3), np.uint8)
    crop[30:70, 30:50] = 255  # left half of the face is bright
    views = phase.make_views(crop, np.array([30, 30, 70, 70]))
    assert len(views) == 2 * len(phase.SIZES) * len(phase.SHIFTS)
    assert views[0].shape == (phase.VIEW_PX, phase.VIEW_PX, 3)
    assert views[0][:, :40].mean() > 200 > 50 > views[0][:, 90:].mean()
    np.testing.assert_array_equal(views[0][:, ::-1], views[1])


def write_review(folder, text: str) -> list[str]:
    (folder / "expressions.csv").write_text(text)
    return [str(folder / "expressions.csv")]


def test_an_instance_wins_over_its_track_and_both_over_the_model(tmp_path):
    rows = pd.DataFrame({"instance_id": ["i0", "i1", "i2"], "emotion": "sad", "intensity": "low"})
    rows = rows.assign(score=0.4, source="model", reason="unsure")
    review = phase.read_review(
        write_review(tmp_path, "id,emotion,intensity\nt0,happy,\ni1,fear,high\n")
    )
    told = phase.apply_review(rows, pd.Series(["t0", "t0", "t1"]), review)
    assert told["emotion"].tolist() == ["happy", "fear", "sad"]
    assert told["intensity"].tolist() == ["low", "high", "low"]
    assert told["source"].tolist() == ["review", "review", "model"]
    assert told["reason"].tolist() == ["", "", "unsure"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,emotion\ni0,joyful\n", "'joyful' (id i0) is no emotion"),
        ("instance,emotion\ni0,happy\n", "id and emotion are needed"),
    ],
    ids=["unknown word", "column missing"],
)
def test_a_review_that_cannot_be_read_says_why(tmp_path, text, message):
    with pytest.raises(CineloraError) as error:
        phase.read_review(write_review(tmp_path, text))
    assert message in str(error.value)


def test_every_emotion_has_words():
    assert set(phase.FEATURES) == set(phase.EMOTIONS)
    assert phase.name_features("unsure") == ("", "", "")


def run_main(folder, monkeypatch, faces: int, review: list[str]) -> pd.DataFrame:
    names = [f"s0001_f{i:06d}_i00" for i in range(faces)]
    people = pd.DataFrame({"instance_id": names, "track_id": ["s0001_t00"] * faces})
    people.to_parquet(folder / "instances.parquet")
    table = pd.DataFrame({"instance_id": names, "file": [f"{name}.png" for name in names]})
    table = table.assign(
        gaze_yaw=[0.0] * faces, x0=20.0, y0=20.0, x1=40.0, y1=40.0, crop_x=10, crop_y=10
    )
    table.to_parquet(folder / "faces.parquet")
    for name in names:
        write_image(folder / f"{name}.png", np.full((40, 40, 3), 128, np.uint8))
    model = lambda views: np.tile(np.exp(believe(happy=0.8)), (len(views), 1))  # noqa: E731
    monkeypatch.setattr(phase, "load_model", lambda *_: model if faces else None)
    counts = phase.main(
        [str(folder / "instances.parquet")],
        [str(folder / "faces.parquet")],
        [str(folder)],
        [],
        review,
        str(folder / "out.parquet"),
        model={"name": "stub", "device": "cpu"},
        max_turn=0.8,
        min_score=0.3,
        prior_correction=0.0,
        bias={},
        intensity_levels=[0.45, 0.7],
    )
    assert counts.read == faces
    return read_manifest(folder / "out.parquet")


def test_faces_are_named(tmp_path, monkeypatch):
    review = write_review(tmp_path, "id,emotion\ns0001_f000001_i00,angry\n")
    table = run_main(tmp_path, monkeypatch, 2, review)
    assert table["emotion"].tolist() == ["happy", "angry"]
    assert table["source"].tolist() == ["track", "review"]
    assert table["brows"].tolist() == ["relaxed brows", "lowered brows"]
    assert [len(row) for row in table["probabilities"]] == [7, 7]


def test_no_face_leaves_an_empty_table(tmp_path, monkeypatch):
    table = run_main(tmp_path, monkeypatch, 0, [])
    assert table.columns.tolist() == phase.EXPRESSIONS.names
    assert len(table) == 0
