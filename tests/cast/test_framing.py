from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from cast import framing
from cast.framing import Posed
from maker.camera import view_of

from tests.factories.cast_in_code import JOINTS, make_actor
from workflow_scripts.film.people import pose_labels

RULES = yaml.safe_load(
    (Path(__file__).parents[2] / "config/options/film.yaml").read_text(encoding="utf-8")
)["classify_poses"]


def make_posed(at=(0.0, 0.0), facing=0.0) -> Posed:
    figure = make_actor().figure
    placed = framing.stand(figure.mesh.points, JOINTS, np.eye(3), at, facing)
    return Posed(*placed, figure.head_height, facing)


def name_by_workflow(people: list[Posed], camera, size=400) -> str:
    """What classify_poses calls the framing of the first person, from the true joints."""
    places = camera.project(people[0].joints, size)[:, :2]
    spans = [np.clip(camera.project(p.points, size)[:, :2], 0, size) for p in people]
    keypoints = np.c_[places, np.ones(17)][None]
    boxes = np.array([[*s.min(0), *s.max(0)] for s in spans])
    body = pose_labels.measure_bodies(keypoints, np.array([size]), 0.5)
    body["whole"] = pose_labels.find_whole(keypoints, boxes[:1], np.array([[size, size]]))
    share = (boxes[:, 3] - boxes[:, 1]).max() / size
    return pose_labels.name_shot_type(next(body.itertuples()), share, RULES)


@pytest.mark.parametrize("shot_type", framing.SHOT_TYPES)
@pytest.mark.parametrize("count", [1, 2])
def test_a_frame_is_what_the_workflow_calls_it(shot_type, count):
    rng, named = np.random.default_rng(0), []
    for _ in range(40):
        azimuth = rng.uniform(-50, 50)
        places = framing.line_up(count, azimuth, rng)
        people = [make_posed(at, azimuth + rng.uniform(-180, 180)) for at in places]
        camera = framing.frame(people, shot_type, azimuth, rng)
        named += [name_by_workflow(people, camera)] if camera else []
    assert len(named) > 25
    assert set(named) == {shot_type}


def test_cameras_stay_between_the_walls_and_above_the_ground():
    rng = np.random.default_rng(1)
    cameras = [framing.frame([make_posed()], "wide", azimuth, rng) for azimuth in range(-50, 51, 5)]
    found = [camera for camera in cameras if camera is not None]
    assert len(found) > 15
    assert all(abs(camera.eye[0]) <= framing.MAX_SIDE_M and camera.eye[2] > 0.2 for camera in found)


def test_views_are_those_of_the_demo_film_and_keep_away_from_their_limits():
    rng, views = np.random.default_rng(0), []
    for _ in range(400):
        view, yaw = framing.choose_view(rng)
        assert view == view_of(yaw) == view_of(yaw - 5) == view_of(yaw + 5) or abs(yaw) > 175
        views.append(view)
    shares = pd.Series(views).value_counts(normalize=True)
    assert set(shares.index) == set(framing.VIEWS)
    assert shares["front"] > shares["side"] > 0.07


@pytest.mark.parametrize(("facing", "forward"), [(0, (0, -1)), (90, (1, 0)), (180, (0, 1))])
def test_standing_turns_points_joints_and_head_alike(facing, forward):
    posed = make_posed((2.0, 3.0), facing)
    nose, ears = posed.joints[0], posed.joints[[3, 4]].mean(0)
    np.testing.assert_allclose((nose - ears)[:2] / 0.1, forward, atol=1e-6)
    np.testing.assert_allclose((posed.head @ [0, -1, 0])[:2], forward, atol=1e-6)
    np.testing.assert_allclose(posed.points[:, :2].mean(0), [2, 3], atol=0.05)


def test_people_stand_side_by_side_as_the_camera_sees_them():
    places = np.array(framing.line_up(3, 30.0, np.random.default_rng(0)))
    right = np.array([np.cos(np.radians(30)), np.sin(np.radians(30))])
    gaps = np.diff(np.sort(places @ right))
    assert (gaps > 0.7).all() and (gaps < 1.0).all()
    assert framing.line_up(1, 30.0, np.random.default_rng(0)) == [(0.0, 0.0)]
