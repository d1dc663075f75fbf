"""What the nets do for datasets and adapters: how many items, and the work of each."""

from collections.abc import Mapping

from benchmarks.bounds import Step
from benchmarks.counted_nets import SPLITS, TOKENS, Nets, counted, most_at_once
from benchmarks.counts import QUESTION_BYTES, FilmCounts
from workflow_scripts.models.diffusion import DRAWN_AT_ONCE
from workflow_scripts.plan.adapter_settings import resolve_adapter_settings, resolve_controls
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.controls import Control, list_controls

NOISE_LEVELS = 4  # of each image that is held out: adapter/trainer.py
PIXELS = 3.0 * 512**2  # of an image that is drawn or learnt, three colors


def describe(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of describe_images: all of a question at once, then token by token."""
    phase, most, copied = "describe_images", most_at_once("caption"), float(QUESTION_BYTES)
    read, said = "Qwen2.5-VL-7B, a question read", "Qwen2.5-VL-7B, a token of an answer"
    image = {"copied": copied, "read_s": read_s["decode"]}
    return [
        counted(phase, read, counts.asked, known.question, most=most, **image),
        counted(phase, said, TOKENS * counts.asked, known.token, most=most),
    ]


def adapt(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of train_adapter and evaluate_adapter, of all datasets; by the shipped options."""
    return [*train(counts, known, read_s["decode"]), *prove(counts, known)]


def find_controls(counts: FilmCounts) -> dict[str, list[Control]]:
    """Beside which adapters those of the film are judged."""
    wanted = resolve_controls(read_shipped(), "full")
    return list_controls(wanted, counts.questions["dataset"].tolist())


def train(counts: FilmCounts, known: Nets, decode_s: float) -> list[Step]:
    """Every chosen image becomes latents; updates; losses of images that were held out.

    What is trained to be a control is trained as the adapter of its dataset.
    """
    phase, controls = "train_adapter", find_controls(counts)
    again = counts.questions["dataset"].map(
        lambda name: sum(bool(c.variant) for c in controls[name])
    )
    datasets = len(counts.questions) + int(again.sum())
    settings = resolve_adapter_settings(read_shipped(), "full", "style", "plain")
    batch = settings["batch_size"]
    updates = settings["steps"] * batch * settings["gradient_accumulation_steps"]
    watched = settings["validations"] * settings["validation_images"] * NOISE_LEVELS
    chosen = float((counts.questions["chosen"] * (1 + again)).sum())
    image = {"precision": "tf32", "copied": 4 * PIXELS, "read_s": decode_s}
    update, loss = "SD 1.5, an image of an update", "SD 1.5, a held-out loss"
    return [
        counted(phase, "SD 1.5, an image into latents", chosen, known.encoded, **image),
        counted(phase, update, datasets * updates, known.update, most=batch),
        counted(phase, loss, datasets * watched, known.drawn, most=NOISE_LEVELS),
    ]


def prove(counts: FilmCounts, known: Nets) -> list[Step]:
    """Images are drawn without the adapter, at each strength and by its controls, and looked at;
    the first ones at strength 0, too; losses."""
    phase, datasets = "evaluate_adapter", len(counts.questions)
    proof = read_shipped()["evaluate_adapter"]
    strengths, controls = len(proof["strengths"]), sum(map(len, find_controls(counts).values()))
    texts = proof["prompts"] + len(proof["tiers"]["full"]["unrelated_prompts"])
    drawn = datasets * texts * (1 + strengths) + controls * proof["prompts"]
    images = len(proof["seeds"]) * drawn + datasets * DRAWN_AT_ONCE
    steps = 2 * images * proof["tiers"]["full"]["sampling_steps"]  # with and without the prompt
    measured = datasets * SPLITS * (1 + strengths) + controls
    losses = measured * proof["images"] * proof["timesteps"]
    decoded = {"most": DRAWN_AT_ONCE, "copied": 4 * PIXELS}
    clip = {"most": most_at_once("embed"), "copied": 3.0 * 224**2}
    return [
        counted(phase, "SD 1.5, a step of drawing", steps, known.drawn, most=2 * DRAWN_AT_ONCE),
        counted(phase, "SD 1.5, a loss", losses, known.drawn, most=proof["timesteps"]),
        counted(phase, "SD 1.5, latents into an image", images, known.decoded, **decoded),
        counted(phase, "OpenCLIP ViT-L/14, an image", images, known.clip, **clip),
    ]
