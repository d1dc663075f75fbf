from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file

from resources.light_models.recipe import export, judge, train_clip, train_unet
from resources.light_models.recipe.training import read_averaged
from tests.factories.light_recipe import read_latents, run_steps, small_cast, train_all, unet_config
from workflow_scripts.adapter.examples import Examples
from workflow_scripts.adapter.losses import draw_losses
from workflow_scripts.lib.checksums import hash_file, hash_folder
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import draw_images, encode_captions, encode_images
from workflow_scripts.models.light_base import assemble_base, read_weights
from workflow_scripts.models.loaders import light_clip
from workflow_scripts.models.registry import choose_model, load_model

CAPTIONS = ["a person with a red top, beach", "forest, close-up"]


def open_light(base):
    """The folder of a base, opened as the workflow opens the one that ships."""
    row = choose_model("base", {"tier": "light", "device": "cpu"})
    return load_model(row, [base / "model_index.json"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A working folder, the shipped files and the diffusers folder of a training of moments."""
    folder = tmp_path_factory.mktemp("export")
    cast = small_cast(folder / "cast", images=24)
    trainings = train_all(cast, folder, 4)
    paths = export.name_files(folder / "out")
    assemble_base(folder / "base", **paths)
    return folder, cast, trainings, paths


def test_the_folder_opens_in_diffusers_and_draws(made):
    pipeline = StableDiffusionPipeline.from_pretrained(made[0] / "base", local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.scheduler.config.clip_sample is False
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    image = pipeline("a person, beach", num_inference_steps=2, output_type="np").images[0]
    assert image.shape == (64, 64, 3)
    assert np.isfinite(image).all()
    assert image.std() > 0.01


def test_the_workflow_opens_it_as_a_base(made):
    base = open_light(made[0] / "base")
    assert not base.is_random
    assert (base.pixels_per_latent, base.resolution_px) == (8, 64)
    assert base.noise.config.rescale_betas_zero_snr
    assert float(base.noise.alphas_cumprod[-1]) == pytest.approx(0, abs=1e-6)
    options = {"steps": 2, "guidance": 3.0, "side_px": 64}
    drawn = draw_images(base, CAPTIONS, [1, 1], **options)
    assert drawn.shape == (2, 64, 64, 3)
    assert not np.array_equal(drawn[0], drawn[1])


def test_its_latents_are_those_that_it_was_trained_on(made):
    folder, cast, _, _ = made
    base = open_light(folder / "base")
    latents = encode_images(base, np.array(cast.images))
    assert float(latents.std()) == pytest.approx(1, abs=0.1)
    cached = read_latents(folder / "work") * base.pipeline.vae.config.scaling_factor
    np.testing.assert_allclose(cached[::2], latents[::2], atol=0.05)
    turned = encode_images(base, np.array(cast.images)[:, :, ::-1].copy())
    np.testing.assert_allclose(cached[1::2], turned[1::2], atol=0.05)
    assert float(abs(turned[1::2] - latents[1::2]).max()) > 0.2


def test_an_adapter_trains_on_its_latents(made):
    folder, cast, _, _ = made
    base = open_light(folder / "base")
    latents = list(encode_images(base, np.array(cast.images[:2])))
    assert latents[0].shape == (base.pipeline.unet.config.in_channels, 8, 8)
    conditions = encode_captions(base, CAPTIONS)
    weights = [torch.ones(1, 8, 8)] * 2
    options = {"caption_dropout": 0, "min_snr_gamma": 0, "masked_prior_weight": 0}
    losses = []
    for offset in (0.0, 0.5):
        settings = SimpleNamespace(noise_offset=offset, **options)
        nothing = {name: values[0] for name, values in conditions.items()}
        train = Examples([], latents, weights, conditions, nothing)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            losses.append(draw_losses(base, train, [0, 1], settings, generator).values)
    assert losses[0].shape == losses[1].shape == (2,)
    assert not torch.allclose(losses[0], losses[1])


def test_its_text_states_are_those_of_the_trained_clip(made):
    folder, _, _, _ = made
    base = open_light(folder / "base")
    state = read_averaged(folder / "work/clip/checkpoint.safetensors")
    model = train_clip.make_clip(state[0]["settings"]["config"])
    model.load_state_dict({n: t for n, t in state[1].items() if n not in train_clip.FREE})
    tokens = train_clip.Tokenizer()(CAPTIONS, whole=True)
    with torch.no_grad():
        x = model.token_embedding(tokens) + model.positional_embedding
        wanted = model.ln_final(model.transformer(x, attn_mask=model.attn_mask))
    torch.testing.assert_close(encode_captions(base, CAPTIONS)["states"], wanted, atol=0.02, rtol=0)


def test_the_clip_embeds_as_it_was_trained(made):
    folder, cast, _, paths = made
    clip = light_clip.load_embed({"clip": paths["clip"]}, device="cpu", batch_size=5)
    vectors = clip(list(np.asarray(cast.images[:7])))
    state = read_averaged(folder / "work/clip/checkpoint.safetensors")
    model = train_clip.make_clip(state[0]["settings"]["config"]).eval()
    model.load_state_dict({n: t for n, t in state[1].items() if n not in train_clip.FREE})
    with torch.no_grad():
        pixels = train_clip.normalize_pixels(torch.from_numpy(np.asarray(cast.images[:7])))
        wanted = model.encode_image(pixels, normalize=True).numpy()
        texts = train_clip.encode_text(model, train_clip.Tokenizer()(CAPTIONS)).numpy()
    np.testing.assert_allclose(vectors, wanted, atol=5e-3)
    np.testing.assert_allclose(clip.embed_texts(CAPTIONS), texts, atol=5e-3)
    assert clip([]).shape == clip.embed_texts([]).shape == (0, 32)


def test_the_same_weights_give_the_same_bytes(made, tmp_path):
    folder, cast, _, paths = made
    again = export.name_files(tmp_path)
    export.export_clip(folder / "work", tmp_path)
    export.export_vae(folder / "work", tmp_path, cast)
    export.export_unet(folder / "work", tmp_path)
    assemble_base(tmp_path / "base", **again)
    assert [hash_file(p) for p in again.values()] == [hash_file(p) for p in paths.values()]
    assert hash_folder(tmp_path / "base") == hash_folder(folder / "base")


def test_rows_of_the_table_say_what_the_files_are(made):
    rows = export.make_rows(made[3])
    assert [*rows] == [f"light-{part}.safetensors" for part in ("clip", "vae", "unet")]
    row = rows["light-vae.safetensors"]
    assert (row["source"], row["license"]) == ("file", "Apache-2.0")
    assert (row["sha256"], row["bytes"]) == (
        hash_file(made[3]["vae"]),
        made[3]["vae"].stat().st_size,
    )


def test_only_rows_of_tokens_that_were_read_are_shipped(made):
    state, _ = read_weights(made[3]["clip"])
    assert not set(train_clip.FREE) & set(state)  # helps of the training
    assert 20 < len(state["token_ids"]) < 1000
    assert made[3]["clip"].stat().st_size < 3_000_000  # the whole table alone has 6.3 MB


@pytest.mark.parametrize("part", ["clip", "vae"])
def test_a_unet_does_not_ship_beside_another_encoder(made, tmp_path, part):
    folder, _, _, paths = made
    for path in paths.values():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    other = tmp_path / f"light-{part}.safetensors"
    save_file({name: t + 1 for name, t in load_file(other).items()}, other)
    with pytest.raises(CineloraError, match=f"trained with another light-{part}.safetensors"):
        export.export_unet(folder / "work", tmp_path)


def test_a_unet_is_not_made_without_its_encoders(made, tmp_path):
    folder, cast, _, paths = made
    (tmp_path / paths["vae"].name).write_bytes(paths["vae"].read_bytes())
    with pytest.raises(CineloraError, match="light-clip.safetensors is not there.*\n.*--weights"):
        export.export_unet(folder / "work", tmp_path)
    with pytest.raises(CineloraError, match="light-clip.safetensors is not there"):
        train_unet.train(cast, None, tmp_path, tmp_path / "unet", run_steps(1), unet_config())


@pytest.mark.parametrize("number", [float("nan"), 1e5], ids=["not a number", "beyond float16"])
def test_numbers_that_float16_cannot_hold_are_refused(number):
    export.check_finite("vae", {"a": torch.ones(2), "ids": torch.tensor([70_000])})
    with pytest.raises(CineloraError, match="light-vae: 1 tensors .* the first\n  is b"):
        export.check_finite("vae", {"a": torch.ones(2), "b": torch.tensor([1.0, number])})


def test_too_many_bytes_are_refused(made, monkeypatch):
    monkeypatch.setattr(export, "MAX_BYTES", 1000)
    with pytest.raises(CineloraError, match="the light models take .* MB, more than 0"):
        export.check_size(list(made[3].values()))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"no weights"), "holds no weights of a light model"),
        (lambda path: save_file({"a": torch.zeros(1)}, path), "holds no weights of a light model"),
        (
            lambda path: save_file({"a": torch.zeros(1)}, path, {"config": "{}"}),
            "does not fit its own config",
        ),
    ],
    ids=["no safetensors", "no config", "other tensors"],
)
def test_damaged_weights_are_named(made, tmp_path, damage, said):
    path = tmp_path / "light-vae.safetensors"
    damage(path)
    with pytest.raises(CineloraError, match=f"light-vae.safetensors {said}"):
        assemble_base(tmp_path / "base", **(made[3] | {"vae": path}))


def test_the_models_are_judged_beside_a_random_twin_and_colors(made):
    folder, cast, _, paths = made
    clip = light_clip.load_embed({"clip": paths["clip"]}, device="cpu", batch_size=8)
    rows = {row["figure"]: row for row in judge.judge_clip(clip, cast, cast)}
    assert {"place", "shot_type", "top_color", "retrieval (R@1)"} <= set(rows)
    assert rows["top_color"]["images"] == 24
    assert rows["top_color"]["goal"] == 0.95
    assert rows["top_color"]["colors"] > 0.8  # the images are little else
    assert 0 <= rows["top_color"]["random"] <= 1
    assert rows["retrieval (R@1)"]["images"] == 6
    base = open_light(folder / "base")
    vae = judge.judge_vae(base.pipeline.vae, cast, np.array(cast.images[:3]))
    assert 3 < vae["accuracy"] < vae["colors"]  # four steps of training: worse than components
