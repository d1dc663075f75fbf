"""Expressions, actions and moments."""

import random

import numpy as np
import pytest
from cast import acting
from maker import poses

from workflow_scripts.lib.emotions import EMOTIONS


def test_expressions_are_the_films_and_the_workflows():
    assert set(acting.EXPRESSIONS) == set(poses.EXPRESSIONS)
    assert set(acting.EXPRESSIONS) <= set(EMOTIONS)


@pytest.mark.parametrize("name", acting.EXPRESSIONS)
def test_strength_grows_with_intensity(name):
    plain, strong = acting.make_face(name, 0.5), acting.make_face(name, 1.0)
    assert set(plain) == set(strong) <= set(acting.ACTIONS_USED)
    assert [strong[action] - 2 * plain[action] for action in plain] == [0] * len(plain)
    assert not any(acting.make_face(name, 0).values()) and len(acting.EXPRESSIONS) == 5


def test_a_blink_closes_the_eyes_of_any_face():
    assert acting.make_face("surprised", 1.2, blink=True)["eyeBlinkLeft"] == 1
    assert "eyeBlinkLeft" not in acting.make_face("surprised", 1.2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: acting.make_face("bored", 1),
            LookupError,
            "No expression 'bored'. Known: neutral",
        ),
        (lambda: acting.make_face("happy", 1.8), ValueError, "Intensity is 1.8"),
        (lambda: acting.make_face("happy", -0.1), ValueError, "Intensity is -0.1"),
        (lambda: acting.make_bones("fly", 0), LookupError, "No action 'fly'. Known: stand"),
    ],
    ids=["unknown expression", "too strong", "below nothing", "unknown action"],
)
def test_what_cannot_be_played_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("action", acting.ACTIONS)
def test_bones_turn_and_nothing_else(action):
    bones = acting.make_bones(action, 0.4, (20, 5))
    assert "head" in bones
    turns = np.array([turn[:3, :3] for turn in bones.values()])
    squares = turns @ turns.transpose(0, 2, 1)
    np.testing.assert_allclose(squares, np.broadcast_to(np.eye(3), squares.shape), atol=1e-9)
    assert ("root" in bones) == (action == "lie")


def test_the_stoop_bends_the_back():
    assert "spine03" not in acting.make_bones("stand", 0)
    bend = acting.make_bones("stand", 0, stoop=1)["spine03"]
    assert (bend @ [0, 0, 1, 0])[1] < -0.1  # the top of the back goes towards the face


def test_moments_come_from_the_seed():
    one, same = (acting.sample_moment(random.Random(4), "teen") for _ in range(2))
    assert (one.action, one.expression, one.intensity) == (
        same.action,
        same.expression,
        same.intensity,
    )
    moments = [acting.sample_moment(random.Random(seed), "teen") for seed in range(400)]
    assert {moment.action for moment in moments} == set(acting.ACTIONS)
    assert {moment.expression for moment in moments} == set(acting.EXPRESSIONS)
    strong = [moment.intensity for moment in moments if moment.expression != "neutral"]
    assert min(strong) >= 1.0 and max(strong) <= acting.MAX_INTENSITY
    assert {moment.intensity for moment in moments if moment.expression == "neutral"} == {0.0}


def test_the_asked_for_is_played_and_the_old_stoop():
    moment = acting.sample_moment(random.Random(1), "elderly", action="wave", expression="sad")
    assert (moment.action, moment.expression) == ("wave", "sad")
    assert "spine03" in moment.bones
    assert "spine03" not in acting.sample_moment(random.Random(1), "teen", action="wave").bones
