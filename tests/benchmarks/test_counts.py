"""What a feature film asks of the full tier: counted by the workflow's own code, no model runs."""

import pytest

from benchmarks import counts, feature_film, film_shapes
from benchmarks.feature_film import FeatureFilm
from benchmarks.gpu_rules import read_gpu_rules
from workflow_scripts.plan.config import read_shipped

COPIED = "MB of images copied to the GPU for captions"


@pytest.fixture(scope="module")
def film() -> counts.FilmCounts:
    """A film of 32,400 frames; of its datasets two, for the others take minutes."""
    return counts.count_film(FeatureFilm(), ["background", "character-pip"])


def test_the_film_is_as_long_as_a_feature(film):
    assert (film.frames, film.shards) == (32_400, 16)
    assert 1.2 < film.people / film.frames < 1.6
    assert film.faces < film.named + film.people and film.peopled_frames < film.frames


def test_few_more_images_are_described_than_chosen(film):
    limits = read_shipped()["select_images"]
    chosen, asked = (int(film.questions[name].sum()) for name in ("chosen", "asked"))
    assert 2 * limits["max_images"] <= chosen <= 2.5 * limits["max_images"]
    assert chosen < asked <= 1.3 * chosen
    assert film.questions["letters"].between(300, 3000).all()


def test_before_every_candidate_was_described(film):
    known = film.people + film.named + film.faces
    assert counts.count_former_questions(film) == 3 * 32_400 + known
    assert counts.count_former_questions(film) > 50 * film.asked


def test_shapes_are_few(film):
    looks, holes = film.looks, film.holes
    assert [len(look.asked) for look in looks] == 2 * [counts.LOOKED_AT]
    assert [len(look.planned) for look in looks] == 2 * [counts.LOOKED_AT]
    assert len(holes.asked) == len(holes.planned) == counts.LOOKED_AT
    assert looks[0].mean_px < looks[1].mean_px  # the first sees the top of a body alone
    both = looks[0] + looks[1]
    assert both.distinct[1] <= 16 < both.distinct[0]
    assert holes.distinct[1] <= 16 < holes.distinct[0]


def test_each_job_opens_each_of_its_models_once(film):
    rows = {row[0]: row[1:3] for row in counts.compare(film)}
    assert rows["loads of the caption model"] == ["96", "1"]  # six kinds of 16 shards; one job
    shards = sum(rule.per == "shard" for rule in read_gpu_rules().values())
    jobs = 16 * shards + 2 * 2 + 2  # two phases of two datasets; captions, references
    assert rows["jobs that hold a GPU"] == [f"{jobs + 95}", f"{jobs}"]
    assert rows["images that SAM 2 encodes to find people"] == ["32,400", "32,400"]
    assert rows["MB of the base read for its checksum"] == [f"{4 * 4270:,}", "4,270"]
    moved = [float(cell.replace(",", "")) for cell in rows[COPIED]]
    # 1,620 patches of 14 x 14 px, of two frames, in float32
    assert moved[1] == pytest.approx(film.asked * 1620 * 1176 * 4 / 1e6, abs=1)
    assert moved[0] > 50 * moved[1]


def test_a_short_film_has_a_row_for_each_thing():
    film = FeatureFilm(shots=30)
    tables = feature_film.make_tables(film)
    people = tables["instances"]
    assert (len(tables["frames"]), tables["frames"]["frame_id"].is_unique) == (720, True)
    assert people["instance_id"].is_unique and people["instance_id"].is_monotonic_increasing
    assert ((people["x1"] - people["x0"] >= 8) & (people["y1"] - people["y0"] >= 8)).all()
    assert people["x1"].max() <= 1920 and people["y1"].max() <= 1080
    for name in ("identities", "poses", "keypoints"):
        assert tables[name]["instance_id"].tolist() == people["instance_id"].tolist()


def test_a_hole_of_former_days_had_the_shape_of_its_part():
    # 100 x 200 px and as much again on each side; 600 high is not a whole number of steps of 8
    assert film_shapes.find_former_shape((500, 300, 600, 500), 1024) == (600, 304)
    # at the left end, and larger than LaMa takes: 1,080 high becomes 1,024
    assert film_shapes.find_former_shape((0, 100, 300, 1000), 1024) == (1024, 576)
