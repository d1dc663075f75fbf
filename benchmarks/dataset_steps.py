"""What the nets do for datasets and adapters: how many items, and the work of each."""

from collections.abc import Mapping

from benchmarks.bounds import Step
from benchmarks.counted_nets import COUNTED, SPLITS, TOKENS, Nets, most_at_once
from benchmarks.counts import QUESTION_BYTES, FilmCounts
from workflow_scripts.plan.adapter_settings import resolve_adapter_settings
from workflow_scripts.plan.config import read_shipped


def describe(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of describe_images: all of a question at once, then token by token."""
    weights, most = 2.0 * known.qwen.parameters, most_at_once("caption")
    area = float(QUESTION_BYTES)
    token = known.answer.times(1 / TOKENS)
    return [
        Step(
            "describe_images",
            "Qwen2.5-VL-7B, a question read",
            counts.asked,
            known.qwen.work,
            "bf16",
            weights,
            COUNTED,
            most,
            area,
            read_s["decode"],
        ),
        Step(
            "describe_images",
            "Qwen2.5-VL-7B, a token of an answer",
            TOKENS * counts.asked,
            token,
            "bf16",
            weights,
            COUNTED,
            most,
        ),
    ]


def adapt(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """Steps of train_adapter and evaluate_adapter, of all datasets; by the shipped options."""
    config, datasets = read_shipped(), len(counts.questions)
    settings = resolve_adapter_settings(config, "full", "style", "plain")
    proof = config["evaluate_adapter"]
    sizes = len(proof["strengths"])
    texts = proof["prompts"] + len(proof["unrelated_prompts"])
    images = texts * len(proof["seeds"]) * (2 + sizes)  # without it, at 0, at each strength
    denoised = 2 * images * proof["tiers"]["full"]["sampling_steps"]  # with and without the prompt
    denoised += SPLITS * proof["images"] * proof["timesteps"] * (1 + sizes)
    updates = settings["steps"] * settings["batch_size"] * settings["gradient_accumulation_steps"]
    watched = settings["validations"] * settings["validation_images"] * 4  # noise levels
    chosen = float(counts.questions["chosen"].sum())
    unet, area = 4.0 * known.drawn.parameters, 3.0 * 512**2
    batch, trained, proved = settings["batch_size"], "train_adapter", "evaluate_adapter"
    return [
        Step(
            trained,
            "SD 1.5, an image into latents",
            chosen,
            known.encoded,
            "tf32",
            unet,
            COUNTED,
            1,
            4 * area,
            read_s["decode"],
        ),
        Step(
            trained,
            "SD 1.5, an image of an update",
            datasets * updates,
            known.update,
            "bf16",
            unet,
            COUNTED,
            batch,
        ),
        Step(
            trained,
            "SD 1.5, a held-out loss",
            datasets * watched,
            known.drawn.work,
            "bf16",
            unet,
            COUNTED,
            batch,
        ),
        Step(
            proved,
            "SD 1.5, a step of drawing or a loss",
            datasets * denoised,
            known.drawn.work,
            "bf16",
            unet,
            COUNTED,
            batch,
        ),
        Step(
            proved,
            "SD 1.5, latents into an image",
            datasets * images,
            known.decoded,
            "bf16",
            unet,
            COUNTED,
            batch,
            4 * area,
        ),
        Step(
            proved,
            "OpenCLIP ViT-L/14, an image",
            datasets * images,
            known.clip.work,
            "bf16",
            4.0 * known.clip.parameters,
            COUNTED,
            most_at_once("embed"),
            3.0 * 224**2,
        ),
    ]
