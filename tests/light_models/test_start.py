"""Trainings that go on from an earlier one, with more latent channels; what counts more in them."""

import numpy as np
import pytest
import torch

from resources.light_models.recipe import train_unet, train_vae
from resources.light_models.recipe.data import cover_boxes
from tests.factories.light_recipe import (
    read_pixels,
    run_steps,
    small_cast,
    train_all,
    unet_config,
    vae_config,
)

STEPS = 60


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A cast, and the folder of what a short training of everything ships."""
    folder = tmp_path_factory.mktemp("start")
    cast = small_cast(folder / "cast")
    train_all(cast, folder, 6)
    return cast, folder / "out"


def test_a_vae_with_more_channels_keeps_those_of_an_earlier_one(shipped, tmp_path):
    cast, out = shipped
    first = out / "light-vae.safetensors"
    pixels = read_pixels(cast, 16)
    earlier = train_vae.open_vae(first).encode(pixels).latent_dist.mode()
    more = vae_config() | {"latent_channels": earlier.shape[1] + 2}
    away = {}
    for name, start in (("on", first), ("anew", None)):
        trained_on = train_vae.train(cast, tmp_path / name, run_steps(STEPS), more, start)
        with trained_on.averaged_weights(), torch.no_grad():
            found = trained_on.model.encode(pixels).latent_dist.mode()
        away[name] = float((found[:, : earlier.shape[1]] - earlier).square().mean())
    assert found.shape[1] == earlier.shape[1] + 2
    assert away["on"] < 0.3 * away["anew"]


def test_an_earlier_vae_pulls_to_the_end_and_components_do_not(shipped):
    cast, out = shipped
    earlier = train_vae.open_vae(out / "light-vae.safetensors")
    blocks = train_vae.fit_blocks(np.asarray(cast.images), 10)
    guide = train_vae.Guide(blocks, earlier)
    kept = earlier.config.latent_channels
    assert guide.weights(0.25).tolist() == [train_vae.PULL] * kept + [0.25] * (10 - kept)
    assert train_vae.Guide(blocks).weights(0.0).tolist() == [0] * 10
    pixels = read_pixels(cast, 2)
    wanted = guide.encode(pixels)
    assert torch.equal(wanted[:, :kept], earlier.encode(pixels).latent_dist.mode())
    assert torch.equal(wanted[:, kept:], blocks.encode(pixels)[:, kept:])


def test_a_net_with_more_latent_channels_draws_the_first_as_before():
    config = unet_config()
    torch.manual_seed(0)
    small, large = (train_unet.make_unet(config, channels, 64).eval() for channels in (4, 6))
    large.load_state_dict(train_unet.add_channels(small.state_dict(), large.state_dict()))
    latents, states = torch.randn(2, 6, 8, 8), torch.randn(2, 77, 64)
    steps = torch.tensor([10, 900])
    with torch.no_grad():
        before = small(latents[:, :4], steps, states).sample
        found = large(latents, steps, states).sample
    assert torch.allclose(found[:, :4], before, atol=1e-6)
    assert not found[:, 4:].any()


def test_boxes_cover_latents_by_their_share():
    boxes = np.array([[0, 0, 32, 64], [8, 4, 20, 12]], np.float32)
    mirrored = np.array([True, False])
    found = cover_boxes(boxes, 64, mirrored, (8, 8))
    assert (found[0, :, 4:] == 1).all() and not found[0, :, :4].any()
    np.testing.assert_allclose(found[1, 0, :4], [0, 0.5, 0.25, 0])
    np.testing.assert_allclose(found.sum((1, 2)), [32, 12 * 8 / 64])


def test_an_error_on_the_person_counts_more(shipped):
    cast, _ = shipped
    encoded = train_unet.Encoded(None, 1.0, (None, None), None, None, {})
    losses = train_unet.UnetLosses(None, cast, encoded, run_steps(1))
    weights = losses.weigh(np.arange(4), (8, 8))  # the box is 8..56 x 12..64 of 64 px
    assert weights.shape == (4, 1, 8, 8)
    assert (weights[:, 0, 2:, 1:7] == train_unet.FOCUS).all()
    assert (weights[:, 0, 1, 1:7] == (1 + train_unet.FOCUS) / 2).all()
    assert (weights[:, 0, :, [0, 7]] == 1).all() and (weights[:, 0, 0] == 1).all()
