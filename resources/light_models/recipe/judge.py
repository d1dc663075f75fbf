"""Judge the exported models on characters that they were never trained on, goals beside figures.

Beside the small CLIP stand a twin with random weights and the nearest mean histogram of colors: a
figure that they reach as well says nothing. Drawn images are judged by the small CLIP against their
prompts, and by the workflow's own detectors of people and faces.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from diffusers import AutoencoderKL

from resources.light_models.recipe import films, scoring, sheets, train_vae
from resources.light_models.recipe.blocks import fit_blocks
from resources.light_models.recipe.data import SCENE, Cast, open_cast
from resources.light_models.recipe.judge_drawn import judge_drawn
from resources.light_models.recipe.options import add_machine
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.light_clip import make_clip
from workflow_scripts.models.loaders import light_clip
from workflow_scripts.models.registry import choose_model, load_model

# share of images right, where the attribute can be seen: on the cast's own drawings, on films
GOALS = {
    **dict.fromkeys(("place", "time_of_day", "shot_type", "hair_color", "top_color"), (0.95, 0.85)),
    **dict.fromkeys(("glasses", "hat", "hair_style", "hair_length"), (0.85, 0.75)),
    **dict.fromkeys(("gender", "age_band", "expression"), (0.75, 0.6)),
    "retrieval (R@1)": (0.6, 0.45),
}
CAST, FILM = 0, 1  # which of the two
PSNR_GOAL = 26.0
OF_SCENE = (*SCENE, "people")  # attributes of a whole image
WHOLE, PERSON = "whole image", "person cut out"
SEED = 1400
BATCH = 64


def judge_clip(
    clip: light_clip.LightClip, seen: Cast, apart: Cast, goals: int = CAST
) -> list[dict[str, Any]]:
    """A row per attribute that `apart` shows, and one for the retrieval of characters.

    What a person looks like is asked of the person cut out, as the workflow embeds people, and of
    the whole image as well ("whole"); the scene is asked of whole images.
    """
    twin = make_twin(clip)
    vectors, untrained, colors = (look(way, apart) for way in (clip, twin, scoring.describe_colors))
    known = look(scoring.describe_colors, seen)
    rows = []
    for column, attribute in enumerate(apart.words.attributes):
        if len(attribute.asked) < 2:
            continue
        view = WHOLE if attribute.name in OF_SCENE else PERSON
        # the same images and values for all three, or their figures could not be compared
        wanted, learned = (
            scoring.keep_asked(cast.codes[:, column], attribute.asked) for cast in (apart, seen)
        )
        beside = {
            "random": answer_by_texts(twin, untrained[view], apart, column),
            "colors": scoring.nearest_centroids(known[view], learned, colors[view]),
            "whole": answer_by_texts(clip, vectors[WHOLE], apart, column),
        }
        found = answer_by_texts(clip, vectors[view], apart, column)
        rows.append({"figure": attribute.name} | measure_all(found, beside, wanted))
    rows.append({"figure": "retrieval (R@1)"} | judge_retrieval(clip, twin, apart))
    return [row | {"goal": find_goal(row["figure"], goals)} for row in rows if row["images"]]


def look(way: scoring.Embed, cast: Cast) -> dict[str, np.ndarray]:
    """Vectors (N, D) of whole images, and of the person that each is of."""
    everyone = np.arange(len(cast))
    return {
        WHOLE: way(list(np.asarray(cast.images))),
        PERSON: way(scoring.crop_people(cast, everyone)),
    }


def find_goal(figure: str, goals: int) -> float:
    return GOALS[figure][goals] if figure in GOALS else float("nan")


def answer_by_texts(
    clip: light_clip.LightClip, vectors: np.ndarray, apart: Cast, column: int
) -> np.ndarray:
    """The code (N,) of an attribute that a CLIP finds in images with these vectors (N, D)."""
    prompts, codes = scoring.embed_prompts(apart.words, column, clip.embed_texts)
    return scoring.score_attribute(vectors, prompts, codes)


def answer_goals(
    clip: light_clip.LightClip, apart: Cast
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Found and wanted codes (N,) of the attributes that have a goal."""
    vectors, answers = look(clip, apart), {}
    for column, attribute in enumerate(apart.words.attributes):
        if attribute.name in GOALS and len(attribute.asked) > 1:
            view = WHOLE if attribute.name in OF_SCENE else PERSON
            found = answer_by_texts(clip, vectors[view], apart, column)
            answers[attribute.name] = found, apart.codes[:, column]
    return answers


def measure_all(
    found: np.ndarray, beside: dict[str, np.ndarray], wanted: np.ndarray
) -> dict[str, Any]:
    """Figures of the answers (N,) of the CLIP, and accuracies of those that stand beside it."""
    row: dict[str, Any] = scoring.measure_accuracy(found, wanted)
    for name, answers in beside.items():
        measured = scoring.measure_accuracy(answers, wanted)
        row |= {name: measured["accuracy"], f"{name}_balanced": measured["balanced"]}
    return row


def make_twin(clip: light_clip.LightClip) -> light_clip.LightClip:
    """The same layout with random weights."""
    torch.manual_seed(SEED)
    return light_clip.LightClip(make_clip(clip.config), clip.config, "cpu", BATCH)


def judge_retrieval(
    clip: light_clip.LightClip, twin: light_clip.LightClip, apart: Cast
) -> dict[str, Any]:
    """Whether a character is found by another image of it."""
    shown = (apart.table["person_id"] != "").to_numpy()  # in a film there may be nobody
    crops = scoring.crop_people(apart, np.flatnonzero(shown))
    people = apart.table["person_id"].to_numpy()[shown]
    ways = {"accuracy": clip, "random": twin, "colors": scoring.describe_colors}
    row: dict[str, Any] = {}
    for name, embed in ways.items():
        rng = np.random.default_rng(SEED)
        row[name], row["images"] = scoring.measure_retrieval(embed(crops), people, rng)
    return row


def judge_vae(vae: AutoencoderKL, seen: Cast, images: np.ndarray) -> dict[str, Any]:
    """PSNR in dB beside that of principal components with as many channels."""
    chosen = train_vae.spread_evenly(len(seen), train_vae.FITTED)
    blocks = fit_blocks(np.asarray(seen.images[chosen]), vae.config.latent_channels)
    found = train_vae.measure(vae, blocks, images)
    beside = {"accuracy": found["psnr"], "colors": found["components"]}
    return {"figure": "VAE, dB", "goal": PSNR_GOAL, "images": len(images)} | beside


def judge_film(
    folder: Path, clip: light_clip.LightClip, vae: AutoencoderKL, seen: Cast
) -> list[dict[str, Any]]:
    """What holds for frames that another renderer made."""
    film = films.open_film(folder / "film.mp4", folder / "truth", seen.words, clip.side_px)
    rows = judge_clip(clip, seen, film, FILM)
    chosen = train_vae.spread_evenly(len(film), train_vae.MEASURED)
    rows.append(judge_vae(vae, seen, film.images[chosen]))
    return [row | {"on": folder.name} for row in rows]


def write_table(rows: list[dict[str, Any]], path: Path) -> str:
    """Keep the figures as CSV; returns them as a table for people, misses marked.

    A goal is reached where accuracy and balanced accuracy reach it: the commonest value alone
    carries none.
    """
    table = pd.DataFrame(rows)
    first = [name for name in ("on", "figure", "goal") if name in table]
    table = table[[*first, *(name for name in table if name not in first)]]
    lowest = table.reindex(columns=["accuracy", "balanced"]).min(axis=1)
    table["reached"] = np.where(
        table["goal"].isna(), "", np.where(lowest >= table["goal"], "yes", "MISSED")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_when_done(path) as partial:
        table.to_csv(partial, index=False, float_format="%.4f")
    return table.to_string(index=False, float_format="%.3f", na_rep="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="the cast that was trained on")
    parser.add_argument("--held-out", required=True, help="shards of characters never trained on")
    parser.add_argument("--weights", required=True, type=Path, help="folder of the shipped files")
    parser.add_argument("--base", type=Path, help="the diffusers folder; without it none is drawn")
    parser.add_argument("--out", required=True, type=Path, help="figures and sheets go here")
    parser.add_argument("--drawn", type=int, default=256, help="images to draw")
    parser.add_argument(
        "--film",
        type=Path,
        action="append",
        default=[],
        help="folder of film.mp4 and truth/; may be given again",
    )
    add_machine(parser)
    asked = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    if asked.threads:
        torch.set_num_threads(asked.threads)
    path = asked.weights / "light-clip.safetensors"
    clip = light_clip.load_embed({path.name: path}, device=asked.device, batch_size=BATCH)
    seen = open_cast(asked.data, side_px=clip.side_px)
    apart = open_cast(asked.held_out, side_px=clip.side_px, words=seen.words)
    vae = train_vae.open_vae(asked.weights / "light-vae.safetensors")
    rows = judge_clip(clip, seen, apart)
    chosen = train_vae.spread_evenly(len(apart), train_vae.MEASURED)
    rows.append(judge_vae(vae, seen, np.asarray(apart.images[chosen])))
    asked.out.mkdir(parents=True, exist_ok=True)
    sheets.show_confusions(answer_goals(clip, apart), apart.words, asked.out / "confusions.png")
    if asked.base:
        light = choose_model("base", {"tier": "light", "device": asked.device})
        base = load_model(light, [asked.base / "model_index.json"])
        rows += judge_drawn(base, clip, apart, asked.drawn, asked.out / "drawn.png")
        sheets.show_values(base, apart, asked.out / "values.png")
    rows = [row | {"on": "cast"} for row in rows]
    for folder in asked.film:
        rows += judge_film(folder, clip, vae, seen)
    log.info("%s", write_table(rows, asked.out / "judged.csv"))


if __name__ == "__main__":
    main()
