"""Figures: what is built from the body model, and how it moves."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("anny", reason="the body model (anny) is in the environment of the film maker")

from cast import acting, people
from cast.attributes import Part, sample_person

PLAIN = replace(
    sample_person(3), age_band="young_adult", age=0.67, gender="female", hair_style="ponytail",
    hair_length="long", glasses="none", hat="none", beard="none", scar="none", accessories=(),
    dress_type="casual", bottom="trousers", sleeves="long", weight=0.5, muscle=0.45,
)  # fmt: skip
STAND = acting.make_bones("stand", 0)
LEFT_EYE, RIGHT_EYE, LEFT_WRIST, LEFT_ANKLE = 1, 2, 9, 15


@pytest.fixture(scope="module")
def body():
    return people.load_body()


@pytest.fixture(scope="module")
def figure(body):
    return people.build_figure(body, PLAIN)


def count_quads(body, part, **changes):
    return int((people.build_figure(body, replace(PLAIN, **changes)).mesh.parts == part).sum())


def test_a_figure_is_the_same_bytes_twice(body, figure):
    again = people.build_figure(body, PLAIN)
    for name in ("points", "quads", "colors", "parts"):
        np.testing.assert_array_equal(getattr(again.mesh, name), getattr(figure.mesh, name))
    one, two = (each.moment(STAND, acting.make_face("happy", 1)) for each in (figure, again))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_mesh_fits_together(figure):
    mesh = figure.mesh
    assert mesh.quads.min() == 0 and mesh.quads.max() == len(mesh.points) - 1
    assert mesh.colors.shape == mesh.points.shape and mesh.parts.dtype == np.uint8
    assert mesh.colors.min() >= 0 and mesh.colors.max() <= 1
    assert set(np.unique(mesh.parts)) <= set(Part)


def test_it_stands_on_the_ground_and_looks_ahead(figure):
    points, joints, turn = figure.moment(acting.make_bones("stand", 0), {})
    assert points[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert 1.4 < figure.stature < 2.1 and 0.12 < figure.head_height / figure.stature < 0.22
    assert joints.shape == (17, 3)
    assert joints[LEFT_EYE, 0] > joints[RIGHT_EYE, 0]  # it looks along -y
    assert joints[0, 1] < joints[3:5, 1].mean() - 0.05  # nose before ears
    assert joints[LEFT_ANKLE, 2] < 0.15 < joints[0, 2]
    assert turn[1, 1] > 0.95


def test_poses_are_the_body_models_own(body):
    """The model itself poses the unwarped body to the same places within 4 mm."""
    from cast.sculpting import sample_features
    from cast.skinning import skin_points, turn_bones

    measures, changes = sample_features(PLAIN)
    rest, bones = body.rest(measures, changes), acting.make_bones("sit", 0.3, (20, 5))
    face = acting.make_face("happy", 1)
    turns = {body.bones.index(name): turn[:3, :3] for name, turn in bones.items()}
    moved = turn_bones(body.parents, rest.heads, turns)
    offsets = sum(v * rest.face[acting.ACTIONS_USED.index(name)] for name, v in face.items())
    w = body.weights
    ours = skin_points(
        (rest.points + offsets).astype(np.float32), w.indptr, w.indices, w.data.astype("f4"), moved
    )
    theirs, _ = body.maker.pose({"body": measures, "face": changes}, bones, face)
    away = np.linalg.norm(ours - theirs, axis=1)[body.skin]
    assert away.mean() < 0.0003 and away.max() < 0.005
    assert np.linalg.norm(ours - rest.points, axis=1).max() > 0.2  # it did sit down


def test_an_action_moves_the_joints(figure):
    still, wave = (figure.moment(acting.make_bones(a, 0), {})[1] for a in ("stand", "wave"))
    assert wave[10, 2] > still[10, 2] + 0.3  # the right wrist goes up
    np.testing.assert_allclose(wave[LEFT_WRIST], still[LEFT_WRIST], atol=1e-6)


@pytest.mark.parametrize("name", [name for name in acting.EXPRESSIONS if name != "neutral"])
def test_an_expression_moves_the_face_alone(figure, name):
    still, _, _ = figure.moment(STAND, {})
    points, _, _ = figure.moment(STAND, acting.make_face(name, 1))
    away = np.linalg.norm(points - still, axis=1)
    face = np.isin(figure.mesh.parts, [Part.FACE, Part.LIPS, Part.BROWS])
    clothes = np.unique(figure.mesh.quads[figure.mesh.parts == Part.TOP])
    assert away[np.unique(figure.mesh.quads[face])].max() > 0.004
    assert away[clothes].max() == 0


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        (Part.GLASSES, {"glasses": "glasses"}),
        (Part.LENS, {"glasses": "sunglasses"}),
        (Part.HAT, {"hat": "cap"}),
        (Part.HAT, {"hat": "beanie"}),
        (Part.HAT, {"hat": "brim_hat"}),
        (Part.BEARD, {"beard": "moustache"}),
        (Part.BEARD, {"beard": "full_beard"}),
        (Part.SCAR, {"scar": "cheek"}),
        (Part.WRINKLES, {"age_band": "elderly"}),
        (Part.SCARF, {"accessories": ("scarf",)}),
        (Part.TIE, {"accessories": ("tie",)}),
        (Part.BACKPACK, {"accessories": ("backpack",)}),
        (Part.NECKLACE, {"accessories": ("necklace",)}),
        (Part.EARRINGS, {"accessories": ("earrings",)}),
        (Part.HAIR_BOW, {"accessories": ("hair_bow",)}),
    ],
)
def test_what_is_worn_is_there_and_else_is_not(body, part, changes):
    assert count_quads(body, part, **changes) > 0
    assert count_quads(body, part) == 0


def test_a_bald_head_has_no_hair(body, figure):
    assert (figure.mesh.parts == Part.HAIR).sum() > 500
    assert count_quads(body, Part.HAIR, hair_style="bald", hair_length="none") == 0


@pytest.mark.parametrize("style", ["loose", "curly", "ponytail", "twintails", "braid"])
def test_longer_hair_ends_lower(body, style):
    ends = []
    for length in ("medium", "long"):
        mesh = people.build_figure(body, replace(PLAIN, hair_style=style, hair_length=length)).mesh
        ends.append(mesh.points[np.unique(mesh.quads[mesh.parts == Part.HAIR]), 2].min())
    assert ends[1] < ends[0] - 0.08


def test_children_are_small_with_large_heads(body, figure):
    child = people.build_figure(body, replace(PLAIN, age_band="child", age=0.38))
    assert child.stature < figure.stature - 0.25
    assert child.head_height / child.stature > 1.15 * figure.head_height / figure.stature


@pytest.mark.parametrize("seed", range(40, 52))
def test_any_seed_makes_a_whole_figure(body, seed):
    figure = people.build_figure(body, sample_person(seed))
    moment = acting.make_bones(acting.ACTIONS[seed % len(acting.ACTIONS)], 0.2 * seed)
    points, joints, _ = figure.moment(moment, acting.make_face("angry", 1.7))
    assert np.isfinite(points).all() and np.isfinite(joints).all()
    assert np.ptp(points, axis=0).max() < 3
