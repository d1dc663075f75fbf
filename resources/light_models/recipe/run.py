"""Make the light models from nothing: cast, CLIP, VAE, UNet, export, judge, within some minutes.

Each part goes on where it stopped, so the command can be given again after an interruption. A
budget of a few minutes ends with models that work and draw badly; README.md says what they need.
Minutes are those of computing, so that a busy machine takes longer and makes the same models.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from resources.light_models.recipe import drawing, export, train_clip, train_vae
from resources.light_models.recipe.data import open_cast
from resources.light_models.recipe.options import Run, add_machine, parse, read_json
from resources.light_models.recipe.training import Budget
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.light_base import assemble_base

SHARES = {"clip": 0.4, "vae": 0.08, "unet": 0.52}  # of the minutes; the cast comes on top
PEOPLE_A_MINUTE = 17.4  # 2,084 characters, 25,000 images, for two hours
PEOPLE = (24, 2084)  # at least, at most
PROCESSES = 2  # that draw the cast, and that train the UNet
IMAGES_A_PERSON = 12
SIZE_PX = 128
TRAIN_SEED = 1  # of the cast; that of the held-out characters is 2: nobody is in both
RESOURCES = Path(__file__).resolve().parents[2]
HELD_OUT = RESOURCES / "cast/held_out"  # characters that ship with the repository, to judge with


def make_cast(python: str, folder: Path, *, seed: int, people: int) -> None:
    """Draw a cast with the environment that has the body model; what is there already is kept.

    In two processes, each of one thread: the drawing of an image has hardly anything to share out.
    """
    asked = {
        "--seed": seed,
        "--people": people,
        "--images-per-person": IMAGES_A_PERSON,
        "--size": SIZE_PX,
        "--out": folder.resolve(),
    }
    words = [str(word) for pair in asked.items() for word in pair]
    paths = os.pathsep.join([str(RESOURCES / "demo_film"), str(RESOURCES)])
    command = [python, "-m", "cast.make_cast", *words, "--part"]
    env = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    commands = [[*command, f"{part}/{PROCESSES}"] for part in range(PROCESSES)]
    try:
        run_together(commands, env)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CineloraError(
            f"the cast was not drawn: {error}\n"
            "  It needs the environment of resources/cast/README.md; name its python with\n"
            f"  CAST_PYTHON=…, or put shards there yourself: {folder}."
        ) from error


def run_together(commands: list[list[str]], env: dict[str, str]) -> None:
    """Run commands at the same time; the first that fails ends the others and is an error."""
    running = []
    try:
        for command in commands:
            running.append(subprocess.Popen(command, cwd=RESOURCES, env=env))
        for process in running:
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, process.args)
    finally:
        for process in running:
            process.terminate()  # one that has ended is left alone
            process.wait()


def keep_asked(work: Path, asked: dict[str, float]) -> None:
    """Note what a working folder was begun with; CineloraError where something else is asked."""
    note = work / "asked.json"
    if not note.is_file():
        work.mkdir(parents=True, exist_ok=True)
        with replace_when_done(note) as partial:
            partial.write_text(json.dumps(asked), encoding="utf-8")
    elif (found := read_json(note)) != asked:
        raise CineloraError(
            f"{work} was begun with {found}, and {asked} is asked.\n"
            "  Ask for the same to go on there; for something else name another folder\n"
            "  (LIGHT_WORK=...), or delete this one."
        )


def count_people(minutes: float) -> int:
    """Characters that are worth drawing for a training of so many minutes."""
    least, most = PEOPLE
    return int(min(most, max(least, PEOPLE_A_MINUTE * minutes)))


def train_all(seen: Path, work: Path, out: Path, minutes: float, device: str) -> None:
    """CLIP, VAE and UNet, each written into `out`; the UNet learns with what was written."""
    cast = open_cast(seen, side_px=SIZE_PX)
    budgets = {name: Budget(minutes=share * minutes) for name, share in SHARES.items()}
    clip = Run(budgets["clip"], train_clip.BATCH, device=device)
    train_clip.train(cast, work / "clip", clip, read_json(train_clip.CONFIG))
    export.export_clip(work, out)
    vae = Run(budgets["vae"], train_vae.BATCH, device=device)
    train_vae.train(cast, work / "vae", vae, read_json(train_vae.CONFIG))
    export.export_vae(work, out, cast)
    folders = ("--data", seen, "--held-out", HELD_OUT, "--weights", out, "--work", work)
    how = ("--minutes", budgets["unet"].minutes, "--device", device)
    workers = PROCESSES if device == "cpu" and torch.get_num_threads() >= PROCESSES else 1
    run_module("train_unet", *folders, *how, "--workers", workers)
    export.export_unet(work, out)


def run_module(name: str, *words: str | float | Path) -> None:
    """A command of the recipe in a process of its own: its memory is free afterwards."""
    command = [sys.executable, "-m", f"resources.light_models.recipe.{name}", *map(str, words)]
    subprocess.run(command, check=True, cwd=RESOURCES.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120, help="of computing, all trainings")
    parser.add_argument("--people", type=int, help="characters to learn from; else by minutes")
    parser.add_argument("--work", required=True, type=Path, help="cast, checkpoints, curves")
    parser.add_argument("--out", required=True, type=Path, help="folder of the files that ship")
    parser.add_argument("--cast-python", default="python3", help="python that has the body model")
    parser.add_argument("--drawn", type=int, default=256, help="images drawn to judge")
    add_machine(parser)
    asked = parse(parser)
    work, out = asked.work.resolve(), asked.out.resolve()
    seen = work / "cast"
    for role in drawing.JUDGES:  # what is missing is told now, and not hours later
        drawing.open_role(role)
    people = asked.people or count_people(asked.minutes)
    keep_asked(work, {"minutes": asked.minutes, "people": people})
    log.info("%d characters to learn from", people)
    make_cast(asked.cast_python, seen, seed=TRAIN_SEED, people=people)
    out.mkdir(parents=True, exist_ok=True)
    train_all(seen, work, out, asked.minutes, asked.device)
    base = work / "base"
    assemble_base(base, **export.name_files(out))
    folders = ("--data", seen, "--held-out", HELD_OUT, "--weights", out, "--base", base)
    run_module("judge", *folders, "--out", work / "judged", "--drawn", str(asked.drawn))


if __name__ == "__main__":
    main()
