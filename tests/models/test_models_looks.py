"""What models that judge an image promise: expression, embed, scene, base."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.full_tier_in_code import OPTIONS  # noqa: E402
from tests.factories.role_models import ODD_SIZES, names, noise, opened, read_figure  # noqa: E402


def odd_images() -> list[np.ndarray]:
    return [read_figure(), *(noise(*size) for size in ODD_SIZES)]


@pytest.mark.parametrize("name", names("expression"))
def test_expressions_are_probabilities(name):
    expression = opened(name)
    crops = [read_figure()[40:110, 95:150], noise(61, 40), noise(200, 200)]
    chances = expression(crops)
    assert chances.shape == (3, 7) and chances.dtype == np.float32
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(1), 1, atol=2e-3)
    np.testing.assert_allclose(expression(crops[:1]), chances[:1], atol=1e-5)
    assert expression([]).shape == (0, 7)


@pytest.mark.parametrize("name", [*names("embed"), *names("scene")])
def test_vectors_have_length_one_and_depend_on_their_image_alone(name):
    embed, images = opened(name), odd_images()
    vectors = embed(images)
    assert vectors.dtype == np.float32 and len(vectors) == 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([embed([i]) for i in images]), vectors, atol=1e-4)
    np.testing.assert_array_equal(embed(images), vectors)
    assert embed([]).shape == (0, vectors.shape[1])


def test_openclip_puts_texts_beside_images():
    clip = opened("openclip random")
    texts = clip.embed_texts(["a girl", "a kite in the sky"])
    assert texts.shape == (2, clip([read_figure()]).shape[1])
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(clip.embed_texts(["a girl"]), texts[:1], atol=1e-5)


def test_a_base_of_the_full_tier_says_what_it_is():
    base = opened("tiny sd random")
    assert base.architecture == OPTIONS["base"]["architecture"]
    assert base.is_random
