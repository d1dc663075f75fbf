"""Class images: drawn by the base, the same for the same seed, and kept by the training."""

import json

import pytest

from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from workflow_scripts.adapter import draw_class_images, train_adapter
from workflow_scripts.adapter.adapter_file import read_adapter

FEW = {"steps": 2, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64, "validations": 1}
OPTIONS = {"images": 5, "prompts": [], "sampling_steps": 2, "guidance": 2.0}


def draw(dataset, folder, seed=7, **changes):
    return draw_class_images.main(
        str(dataset),
        str(base_folder()),
        str(folder),
        options=OPTIONS | changes,
        class_word="woman",
        model=BASE,
        seed=seed,
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella", train=3)


def read(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("captions", "prompts"),
    [
        (["nella woman, run", "nella woman, sit"], ["woman, run", "woman, sit"]),
        (["nella woman", "nella woman"], ["woman"]),
        (["a, b", "c"], ["woman, a, b", "woman, c"]),
    ],
    ids=["trigger", "nothing else", "no trigger"],
)
def test_the_class_stands_in_place_of_the_trigger(captions, prompts):
    assert draw_class_images.name_class(captions, "woman") == prompts


def test_as_many_as_asked_for_with_their_captions_and_the_same_again(dataset, tmp_path):
    counts = draw(dataset, tmp_path / "one")
    drawn = read(tmp_path / "one")
    assert (counts.kept, len(drawn)) == (5, 10)
    texts = [drawn[name].decode() for name in drawn if name.endswith(".txt")]
    assert texts == [f"woman, walk, frame {n % 3}\n" for n in range(5)]
    assert len({drawn[name] for name in drawn if name.endswith(".png")}) == 5
    draw(dataset, tmp_path / "two")
    assert read(tmp_path / "two") == drawn
    draw(dataset, tmp_path / "three", seed=8)
    assert read(tmp_path / "three") != drawn


def test_prompts_of_the_user_are_drawn_in_their_place(dataset, tmp_path):
    draw(dataset, tmp_path, images=1, prompts=["a red bicycle"])
    assert (tmp_path / "00000.txt").read_text(encoding="utf-8") == "a red bicycle\n"


def test_of_an_empty_dataset_nothing_is_drawn(tmp_path):
    (tmp_path / "empty").mkdir()
    assert draw(tmp_path / "empty", tmp_path / "out").read == 0
    assert list((tmp_path / "out").iterdir()) == []


def train(dataset, folder, class_images, **changes):
    names = {"adapter": "a.safetensors", "card": "a.json", "settings": "settings.yaml"}
    names["metrics"] = "metrics.parquet"
    train_adapter.main(
        str(dataset),
        str(base_folder()),
        **{key: str(folder / name) for key, name in names.items()},
        class_images=class_images,
        title="demo nella",
        control="",
        options=make_options("train_adapter", **FEW | changes),
        model=BASE,
        seed=7,
        cache={"folder": str(folder.parent / "cache"), "max_gb": 1},
        class_word="woman",
    )
    return read_adapter(folder / "a.safetensors")


def test_a_training_keeps_what_was_drawn_and_its_file_says_so(dataset, tmp_path):
    draw(dataset, tmp_path / "class")
    plain = train(dataset, tmp_path / "plain", ())
    kept = train(dataset, tmp_path / "kept", str(tmp_path / "class"), prior_loss_weight=1.0)
    assert (plain.metadata["ss_num_reg_images"], kept.metadata["ss_num_reg_images"]) == ("0", "5")
    assert any((kept.tensors[key] != plain.tensors[key]).any() for key in kept.tensors)
    (tmp_path / "class/00000.txt").write_text("woman, other words", encoding="utf-8")
    files = sorted(map(str, (tmp_path / "class").glob("*.png")))
    other = train(dataset, tmp_path / "other", files, prior_loss_weight=1.0)
    assert any((kept.tensors[key] != other.tensors[key]).any() for key in kept.tensors)
    assert json.loads((tmp_path / "kept/a.json").read_text(encoding="utf-8"))
