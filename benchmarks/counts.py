"""`python -m benchmarks.counts`: what a feature film asks of the full tier, before and now.

The film is made in code (feature_film.py), and selection, questions, crops and shapes are the
workflow's own on it; no model runs. "Before" is computed by what the workflow did when captions
were made before the selection: a job for every kind and shard, a question about every candidate,
inputs as large as the film had them.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.feature_film import FeatureFilm, list_inputs, make_tables, write_film
from benchmarks.film_shapes import Shapes, count_face_shapes, count_hole_shapes, sample_people
from benchmarks.gpu_rules import read_gpu_rules
from benchmarks.tables import table
from workflow_scripts.capacity.measure import FRAMES_A_SHARD
from workflow_scripts.dataset import select_images
from workflow_scripts.dataset.questions import read_texts, write_questions
from workflow_scripts.dataset.words import read_words
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.models.registry import choose_model, read_registry
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.inputs import choose_limits

TEXTS = "resources/vocabularies/captions.yaml", "resources/prompts/captions.yaml"
CLASS_WORDS = {"nella": "woman", "bruno": "man", "pip": "boy"}
LOOKED_AT = 120  # people whose shapes are counted: each of another track
GRID = (30, 54)  # patches of 14 px of a frame at 768 x 432 (max_side_px), in whole windows of two
QUESTION_BYTES = 4 * GRID[0] * GRID[1] * 2 * 3 * 14**2  # float32; an image counts as two frames

Row = tuple[str, float, float, str]  # what, before, now, how it comes to that


@dataclass(frozen=True)
class FilmCounts:
    """How often each model is asked in one film, and in which shapes."""

    frames: int
    people: int
    named: int  # of the people
    peopled_frames: int
    faces: int
    tracks: int  # people, each once a shot
    looks: list[Shapes]  # for faces, of LOOKED_AT people: each look
    holes: Shapes
    questions: pd.DataFrame  # dataset, candidates, chosen, asked, letters (of a question)
    shards: int

    @property
    def asked(self) -> int:
        return int(self.questions["asked"].sum())


def count_film(film: FeatureFilm, datasets: list[str] | None = None) -> FilmCounts:
    """Everything that is counted; `datasets` are all of the film unless named."""
    tables = make_tables(film)
    with tempfile.TemporaryDirectory(prefix="cinelora-film-") as folder:
        paths = write_film(film, tables, Path(folder))
        names = film.datasets if datasets is None else datasets
        rows = [count_questions(name, paths, Path(folder) / f"{name}.out") for name in names]
    people, who = tables["instances"], tables["identities"]["character"]
    boxes = sample_people(people, LOOKED_AT, film.seed)
    lama = choose_model("inpaint", {"tier": "full"})["options"]
    return FilmCounts(
        frames=len(tables["frames"]),
        people=len(people),
        named=int((who != "").sum()),
        peopled_frames=people["frame_id"].nunique(),
        faces=len(tables["faces"]),
        tracks=people["track_id"].nunique(),
        looks=count_face_shapes(boxes),
        holes=count_hole_shapes(boxes, lama["max_side_px"]),
        questions=pd.DataFrame(rows),
        shards=max(1, round(len(tables["frames"]) / FRAMES_A_SHARD)),
    )


def count_questions(dataset: str, paths: dict[str, str], selection: Path) -> dict:
    """Select the images of a dataset, and write the questions about them and their reserve."""
    kind, character = split_name(dataset)
    config = read_shipped()
    counts = select_images.main(
        paths["frames"],
        paths["texts"],
        str(selection),
        dataset=dataset,
        limits=choose_limits(config["select_images"], dataset),
        seed=config["seed"],
        decisions=paths["decisions"],
        groups=paths["groups"],
        **list_inputs(kind, paths),
    )
    rows = pd.read_parquet(selection)
    wanted = rows[(rows["split"] != "") | rows["reserve"]]  # as dataset/questions.py has it
    known = {name: paths[name] for name in ("frames", "texts", *kind.words)}
    how = {"names": CLASS_WORDS, "style": [], "overlay_text": "crop"}
    facts = read_words(kind, character, known, **how, wanted=set(wanted["image_id"]))
    texts = write_questions(kind, wanted, facts, *read_texts(*TEXTS))
    return {
        "dataset": dataset,
        "candidates": counts.read,
        "chosen": counts.kept,
        "asked": len(texts),
        "letters": sum(map(len, texts)) / max(1, len(texts)),
    }


def count_former_questions(counts: FilmCounts) -> int:
    """A question about every frame of three kinds, every person, who has a name, and every face."""
    frame_kinds = sum(kind.is_of_frames for kind in KINDS.values())
    return frame_kinds * counts.frames + counts.people + counts.named + counts.faces


def compare(counts: FilmCounts) -> list[list[str]]:
    """Rows of the table: what, before, now, how it comes to that."""
    rows = [*compare_questions(counts), *compare_jobs(counts), *compare_shapes(counts)]
    return [[what, f"{round(a):,}", f"{round(b):,}", how] for what, a, b, how in rows]


def compare_questions(counts: FilmCounts) -> list[Row]:
    """What the caption model is asked, and what is copied for it."""
    former, now, chosen = count_former_questions(counts), counts.asked, counts.questions["chosen"]
    own, asked_mb = "selection and questions of the workflow", QUESTION_BYTES / 1e6
    copied = "MB of images copied to the GPU for captions"
    return [
        ("captions asked for", former, now, own),
        ("of images that are chosen", chosen.sum(), chosen.sum(), own),
        (copied, asked_mb * former, asked_mb * now, "a frame in patches, a question"),
    ]


def compare_jobs(counts: FilmCounts) -> list[Row]:
    """Jobs that hold a GPU, and the models that they open."""
    rules, datasets = read_gpu_rules(), len(counts.questions)
    jobs = {name: rule.count_jobs(counts.shards, datasets) for name, rule in rules.items()}
    loads = sum(jobs[name] * len(rule.roles) for name, rule in rules.items())
    asking, base = jobs["describe_images"], jobs["train_adapter"] + jobs["evaluate_adapter"]
    former, held = len(KINDS) * counts.shards, sum(jobs.values())
    base_mb = read_registry()["folders"]["stable-diffusion-v1-5"]["approx_mb"]
    return [
        ("loads of the caption model", former, asking, "its jobs"),
        ("jobs that hold a GPU", held - asking + former, held, "rule files"),
        ("loads of models in them", loads - asking + former, loads, "jobs x their models"),
        ("MB of the base read for its checksum", base * base_mb, base_mb, "every job, then once"),
    ]


def compare_shapes(counts: FilmCounts) -> list[Row]:
    """How often images and prompts are encoded, and shapes for which a net plans itself anew."""
    frames, faces, holes = counts.frames, sum(counts.looks, Shapes()), counts.holes
    prompts = "encodings of OWLv2's prompts, where it detects"
    return [
        ("images that SAM 2 encodes to find people", frames, frames, "once for boxes and memory"),
        (prompts, frames, counts.shards, "once a job"),
        (f"shapes of {len(faces.asked)} looks for faces", *faces.distinct, "retina_face.py"),
        (f"shapes of {len(holes.asked)} holes that LaMa paints", *holes.distinct, "lama.py"),
    ]


def write_counts(counts: FilmCounts) -> str:
    """The table in Markdown."""
    return table(["what", "before", "now", "by"], compare(counts))


def main() -> None:
    film = FeatureFilm()
    counts = count_film(film)
    print(f"{counts.frames:,} frames, {counts.people:,} times a person, {counts.shards} shards\n")
    print(write_counts(counts))
    print(counts.questions.to_string(index=False))


if __name__ == "__main__":
    main()
