import numpy as np
import pytest
import torch

from tests.factories.datasets_in_code import base_folder, draw_square, open_base
from tests.factories.tiny_sd import build_tiny_sd
from workflow_scripts.lib.checksums import hash_folder
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import (
    draw_images,
    encode_captions,
    encode_images,
)
from workflow_scripts.models.diffusion import (
    open_base as open_folder,
)
from workflow_scripts.models.loaders.stable_diffusion import StableDiffusion


def test_the_same_seed_builds_the_same_files(tmp_path):
    build_tiny_sd(tmp_path / "same", seed=7)
    build_tiny_sd(tmp_path / "other", seed=8)
    assert hash_folder(tmp_path / "same") == hash_folder(base_folder())
    assert hash_folder(tmp_path / "other") != hash_folder(base_folder())


@pytest.mark.parametrize(
    "text", ["nella woman, three-quarter view", "Pip's 12 fishes: café!!", "a" * 300], ids=repr
)
def test_the_tokenizer_is_clips_own(text):
    tokenizer = pytest.importorskip("open_clip.tokenizer").SimpleTokenizer()
    wanted = tokenizer([text])[0].tolist()
    ours = open_base().pipeline.tokenizer(text, truncation=True, max_length=77).input_ids
    assert ours == wanted[: len(ours)]


def test_it_has_the_shape_of_stable_diffusion():
    base = open_base()
    assert base.is_random
    assert (base.pixels_per_latent, base.side_step_px, base.resolution_px) == (8, 16, 128)
    names = {name for name, _ in base.pipeline.unet.named_modules()}
    assert "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_out.0" in names


def test_latents_of_images_have_about_unit_variance():
    images = np.stack([draw_square((128, 128), np.random.default_rng(n))[0] for n in range(4)])
    latents = encode_images(open_base(), images)
    assert latents.shape == (4, 4, 16, 16)
    assert 0.5 < float(latents.std()) < 2


def test_words_and_seeds_change_the_image():
    options = {"steps": 2, "guidance": 5.0, "side_px": 64}
    base = open_base()
    drawn = draw_images(base, ["a", "a", "red car"], [1, 2, 1], **options)
    assert drawn.shape == (3, 64, 64, 3)
    assert drawn.std() > 10
    assert len({image.tobytes() for image in drawn}) == 3
    assert (draw_images(base, ["a"], [1], **options)[0] == drawn[0]).mean() > 0.99
    vectors = encode_captions(base, ["a", "red car"])["states"]
    assert vectors.shape == (2, 77, 64)
    assert not torch.equal(*vectors)


def test_a_folder_that_is_no_base_is_an_error(tmp_path):
    with pytest.raises(CineloraError, match="no model_index.json"):
        options = {"device": "cpu", "is_random": True, "architecture": "", "version": ""}
        open_folder(StableDiffusion, tmp_path, **options)
