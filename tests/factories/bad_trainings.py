"""What a training or an evaluation can be given that is wrong, and what a user must then read."""

import errno
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from tests.factories.tiny_bases import tiny_folder
from workflow_scripts.adapter import evaluate_adapter, train_adapter
from workflow_scripts.adapter.adapter_file import load_adapter, read_adapter
from workflow_scripts.adapter.finished import read_trained
from workflow_scripts.adapter.trials import Control, check_budget
from workflow_scripts.lib.errors import format_error
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.logs import log
from workflow_scripts.models.registry import load_model
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.schema import find_schema_problems

FEW = {"steps": 3, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64, "validations": 1}


@dataclass
class Job:
    """A training that would succeed; cases change one thing of it."""

    folder: Path
    base: Path
    dataset: Path

    def image(self, suffix: str = ".png") -> Path:
        return self.dataset / f"train/2_nella woman/nella_train_0001{suffix}"

    def mask(self) -> Path:
        return next((self.dataset / "train").glob(".masks/nella_train_0001.png"))

    def copy_base(self) -> Path:
        self.base = Path(shutil.copytree(self.base, self.folder / "base"))
        return self.base

    def train(self, *, max_gb: float = 1, **changes: object) -> None:
        names = {"adapter": "a.safetensors", "card": "a.json", "settings": "settings.yaml"}
        names["metrics"] = "metrics.parquet"
        train_adapter.main(
            str(self.dataset),
            str(self.base),
            **{key: str(self.folder / "out" / name) for key, name in names.items()},
            title="demo nella",
            control="",
            options=make_options("train_adapter", **FEW | changes),
            model=BASE,
            seed=7,
            cache={"folder": str(self.folder / "cache"), "max_gb": max_gb},
        )


@dataclass(frozen=True)
class Case:
    """Something wrong, and what must be said: what was found, where, and what to do."""

    play: Callable[[Job], object]
    says: tuple[str, ...]


def play(name: str, folder: Path) -> str:
    """What a user reads of a case: the error, or else the warnings of the log."""
    warned: list[str] = []
    log.addFilter(keep := lambda record: warned.append(record.getMessage()) or True)
    job = Job(folder, base_folder(), make_dataset(folder / "nella", train=3, held_out=1))
    (folder / "out").mkdir()
    try:
        said = CASES[name].play(job)
    except Exception as error:
        said = format_error(error) or f"UNEXPECTED {type(error).__name__}: {error}"
    finally:
        log.removeFilter(keep)
    return said if isinstance(said, str) else "\n".join(warned)


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def no_images(job: Job) -> None:
    shutil.rmtree(job.dataset / "train")
    job.train()


def damaged_image(job: Job) -> None:
    write(job.image(), job.image().read_bytes()[:-40])
    job.train()


def no_image_at_all(job: Job) -> None:
    write(job.image(), b"hello")
    job.train()


def missing_caption(job: Job) -> None:
    job.image(".txt").unlink()
    job.train()


def empty_caption(job: Job) -> None:
    write(job.image(".txt"), b"\n")
    job.train()


def caption_in_latin(job: Job) -> None:
    write(job.image(".txt"), "nella woman, café".encode("latin-1"))
    job.train()


def endless_caption(job: Job) -> None:
    write(job.image(".txt"), b"nella woman" + b", walking, red dress" * 30)
    job.train()


def mask_of_other_size(job: Job) -> None:
    write_image(job.mask(), np.full((10, 10), 255, np.uint8))
    job.train()


def black_mask(job: Job) -> None:
    write_image(job.mask(), np.zeros((96, 160), np.uint8))
    job.train()


def file_outside(job: Job) -> None:
    (job.dataset / "train/2_nella woman").rename(job.dataset / "train/images")
    row = b'{"file_name": "../../secret.png", "text": "a"}\n'
    write(job.dataset / "train/metadata.jsonl", row)
    job.train()


def broken_metadata(job: Job) -> None:
    (job.dataset / "train/2_nella woman").rename(job.dataset / "train/images")
    write(job.dataset / "train/metadata.jsonl", b'{"file_name": ')
    job.train()


def stages_of(**sampling: dict[str, float]) -> dict[str, object]:
    return {"stages": [{"steps": 2, "learning_rate": 0.01, "sampling": sampling}]}


def older_dataset(job: Job) -> None:
    job.train(**stages_of(shot_type={"wide": 2}))


def unknown_value(job: Job) -> None:
    rows = pd.read_parquet(job.dataset / "dataset.parquet").assign(location="park")
    rows.to_parquet(job.dataset / "dataset.parquet")
    job.train(**stages_of(location={"prak": 2}))


def small_images(job: Job) -> None:
    job.train(resolution_px=256, steps=2)


def too_small_resolution(job: Job) -> None:
    job.train(resolution_px=7)


def diverging_rate(job: Job) -> None:
    job.train(steps=40, learning_rate=1e30, max_grad_norm=0, warmup=0.0)


def change_weights(folder: Path, part: str, name: str) -> None:
    path = folder / part / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors[name] = torch.full_like(tensors[name], float("nan"))
    save_file(tensors, path, {"format": "pt"})


def base_with_nan(job: Job) -> None:
    change_weights(job.copy_base(), "unet", "conv_in.weight")
    job.train()


def vae_with_nan(job: Job) -> None:
    change_weights(job.copy_base(), "vae", "encoder.conv_in.weight")
    job.train()


def truncated_base(job: Job) -> None:
    path = job.copy_base() / "unet/diffusion_pytorch_model.safetensors"
    write(path, path.read_bytes()[:-100])
    job.train()


def no_base(job: Job) -> None:
    job.base = job.folder / "no base"
    job.base.mkdir()
    job.train()


def base_of_other_family(job: Job) -> None:
    job.base = tiny_folder("sdxl")
    job.train()


def damaged_checkpoint(job: Job) -> None:
    path = job.folder / "out/checkpoints/resume.pt"
    path.parent.mkdir()
    write(path, b"PK\x03\x04 half of a checkpoint")
    job.train()


def damaged_cache(job: Job) -> None:
    job.train()
    for path in (job.folder / "cache/latents").rglob("*.safetensors"):
        write(path, path.read_bytes()[:-1])
    job.train(rank=3)


@contextmanager
def failing_writes(number: int, name: str):
    """The system refuses to write files whose names have `name`."""
    original = Path.write_bytes

    def refuse(path: Path, data: bytes) -> int:
        if name in path.name:
            raise OSError(number, errno.errorcode[number], str(path))
        return original(path, data)

    with patch.object(Path, "write_bytes", refuse):
        yield


def full_disk(job: Job) -> None:
    with failing_writes(errno.ENOSPC, "resume.pt"):
        job.train()


def full_cache_disk(job: Job) -> None:
    with failing_writes(errno.ENOSPC, ".safetensors"):
        job.train()


def read_only_folder(job: Job) -> None:
    with failing_writes(errno.EROFS, "a.safetensors"):
        job.train(max_gb=0)


def file_in_place_of_cache(job: Job) -> None:
    write(job.folder / "cache", b"a file")
    job.train()


def make_adapter(job: Job) -> Path:
    job.train()
    return job.folder / "out/a.safetensors"


def truncated_adapter(job: Job) -> None:
    path = make_adapter(job)
    write(path, path.read_bytes()[:-8])
    read_adapter(path)


def changed_adapter(job: Job) -> None:
    path = make_adapter(job)
    data = bytearray(path.read_bytes())
    data[-2] ^= 64
    write(path, bytes(data))
    read_adapter(path)


def foreign_file(job: Job) -> None:
    path = job.folder / "foreign.safetensors"
    save_file({"model.embed.weight": torch.zeros(4, 4)}, path)
    load_adapter(load_model(BASE, [base_folder() / "model_index.json"]), path)


def adapter_of_other_family(job: Job) -> None:
    path = make_adapter(job)
    row = BASE | {"loader": "stable_diffusion_xl", "family": "sdxl"}
    load_adapter(load_model(row, [tiny_folder("sdxl") / "model_index.json"]), path)


def adapter_of_other_base(job: Job) -> None:
    make_adapter(job)
    change_weights(job.copy_base(), "unet", "conv_in.weight")
    evaluate_adapter.check_base(str(job.base), read_trained(job.folder / "out/settings.yaml"))


def control_of_other_rank(job: Job) -> None:
    make_adapter(job)
    trained = read_trained(job.folder / "out/settings.yaml")
    other = trained | {"settings": trained["settings"] | {"rank": 4}}
    check_budget(Control("other_subject", "control.safetensors", other), trained)


def damaged_settings(job: Job) -> None:
    make_adapter(job)
    write(job.folder / "out/settings.yaml", b"base: [")
    read_trained(job.folder / "out/settings.yaml")


def stray_image(job: Job) -> None:
    for suffix in (".png", ".txt"):
        job.image(suffix).rename(job.image(suffix).with_name(f"added{suffix}"))
    evaluate_adapter.read_images(str(job.dataset), make_options("evaluate_adapter"))


def config_with(**changes: object) -> Callable[[Job], str]:
    def look(_: Job) -> str:
        config = read_shipped()
        config["adapter"]["defaults"] |= changes
        return "\n".join(find_schema_problems(config))

    return look


CASES = {
    "no images": Case(no_images, ("the dataset holds no image", "nothing was trained")),
    "an image cut short": Case(damaged_image, ("nella_train_0001.png is not", "Put a whole one")),
    "no image at all": Case(no_image_at_all, ("nella_train_0001.png is not", "Put a whole one")),
    "no caption": Case(missing_caption, ("1 of 3 images have no caption: nella_train_0001", "Put")),
    "an empty caption": Case(empty_caption, ("1 of 3 images have no caption", "Put a .txt file")),
    "a caption in Latin-1": Case(caption_in_latin, ("0001.txt is no text in UTF-8", "Save it as")),
    "a caption without end": Case(endless_caption, ("1 captions have", "77 tokens", "Shorten")),
    "a mask of other size": Case(mask_of_other_size, ("10x10 px, its image 160x96", "same size")),
    "a black mask": Case(black_mask, ("0001.png is black everywhere", "Paint it, or delete it")),
    "a file outside": Case(file_outside, ("no file below it", "Put the file there, or delete")),
    "broken metadata": Case(broken_metadata, ("metadata.jsonl, line 1: ", "Correct this line")),
    "an older dataset": Case(older_dataset, ("has no column shot_type", "make it again")),
    "an unknown value": Case(unknown_value, ("the location prak", "Values", "Correct the value")),
    "small images": Case(small_images, ("3 of 3 images are smaller", "a smaller adapter resolu")),
    "too small a resolution": Case(too_small_resolution, ("resolution_px is 7", "better native")),
    "a rate that diverges": Case(diverging_rate, ("the loss of step", "lower the learning rate")),
    "a base with NaN": Case(base_with_nan, ("the loss of step 1 is nan", "fetch", "another")),
    "a VAE with NaN": Case(vae_with_nan, ("no numbers of", "nella_train_0000.png", "fetch or")),
    "a base cut short": Case(
        truncated_base, ("base/unet/", "is damaged", "Delete the folder and run")
    ),
    "no base": Case(no_base, ("weights are not there", "Run snakemake again")),
    "a base of another family": Case(base_of_other_family, ("StableDiffusionXL", "Correct the")),
    "a damaged checkpoint": Case(
        damaged_checkpoint, ("resume.pt is damaged, training starts anew",)
    ),
    "a damaged cache": Case(damaged_cache, ("is made again: it is damaged",)),
    "a full disk": Case(full_disk, ("resume.pt", "The disk is full. Make room", "run snakemake")),
    "a full disk of the cache": Case(full_cache_disk, (".safetensors", "The disk is full")),
    "a folder only to be read": Case(read_only_folder, ("a.safetensors", "can only be read. Run")),
    "a file in place of the cache": Case(file_in_place_of_cache, ("cache", "Move it away")),
    "an adapter cut short": Case(truncated_adapter, ("not a readable adapter", "Delete it and")),
    "an adapter that was changed": Case(changed_adapter, ("not those that were written", "Delete")),
    "a foreign file": Case(foreign_file, ("foreign.safetensors has 0 layers", "another base")),
    "an adapter of another family": Case(adapter_of_other_family, ("could not load", "another b")),
    "an adapter of another base": Case(adapter_of_other_base, ("is another model", "Train the")),
    "a control of another rank": Case(control_of_other_rank, ("no control of", "Train both again")),
    "damaged settings": Case(damaged_settings, ("settings.yaml is damaged",)),
    "an image that was added": Case(stray_image, ("does not know", "added.png", "Take it out")),
    "an unknown option": Case(config_with(rnak=4), ("unknown key 'rnak'", "Did you mean 'rank'?")),
    "rank 0": Case(config_with(rank=0), ("adapter.defaults.rank", "0", "1")),
    "a resolution of 50": Case(config_with(resolution_px=50), ("resolution_px", "64 to 2048")),
    "a negative rate": Case(config_with(warmup=2), ("adapter.defaults.warmup", "2")),
    "an unknown optimizer": Case(config_with(optimizer="adamq"), ("optimizer", "adamw")),
}
