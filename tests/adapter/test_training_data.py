import numpy as np
import pytest

from tests.factories.datasets_in_code import make_dataset
from workflow_scripts.adapter.buckets import choose_bucket, make_buckets
from workflow_scripts.adapter.training_data import (
    count_tags,
    find_trigger,
    fit_image,
    plan_batches,
    read_split,
    shuffle_captions,
    subsample_evenly,
)
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "nella", train=3, held_out=2)


def test_a_kohya_folder_gives_captions_masks_and_repeats(dataset):
    images = read_split(dataset, "train")
    assert [image.image_id for image in images] == [f"nella_train_000{n}" for n in range(3)]
    first = images[0]
    assert (first.caption, first.repeats) == ("nella woman, walk, frame 0", 2)
    assert first.concept == "nella woman"
    assert first.mask.name == first.image.name


def test_masks_are_no_training_images(dataset):
    assert len(read_split(dataset, "validation")) == 2


def test_only_the_first_line_of_a_caption_counts(dataset):
    text = dataset / "train/2_nella woman/nella_train_0000.txt"
    text.write_text("nella woman, run\nnever read\n", encoding="utf-8")
    assert read_split(dataset, "train")[0].caption == "nella woman, run"


def test_a_hugging_face_folder_without_repeats_is_read_too(dataset):
    (dataset / "train/2_nella woman").rename(dataset / "train/images")
    table = dataset / "train/metadata.jsonl"
    table.write_text(
        table.read_text(encoding="utf-8").replace("2_nella woman", "images"), encoding="utf-8"
    )
    images = read_split(dataset, "train")
    assert [image.repeats for image in images] == [1, 1, 1]
    assert images[2].mask is not None


def test_metadata_cannot_name_a_file_outside(dataset):
    (dataset / "train/2_nella woman").rename(dataset / "train/images")
    (dataset / "train/metadata.jsonl").write_text(
        '{"file_name": "../../x.png", "text": "a"}\n', encoding="utf-8"
    )
    with pytest.raises(CineloraError, match="no file below it"):
        read_split(dataset, "train")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "5",
        '{"text": "a"}',
        '{"file_name": 5}',
        '{"file_name": "a\\u0000"}',
        '{"file_name": "\\ud800"}',
        '{"file_name": "images/nella_train_0001.jpg", "mask_file_name": 5}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:30],
)
def test_damaged_metadata_is_named_with_its_line(dataset, line):
    (dataset / "train/2_nella woman").rename(dataset / "train/images")
    table = dataset / "train/metadata.jsonl"
    table.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(CineloraError, match=r"metadata\.jsonl, line 2: "):
        read_split(dataset, "train")


@pytest.mark.parametrize("content", [None, "", "  \n"], ids=["no file", "empty", "blank"])
def test_an_image_without_a_caption_is_an_error(dataset, content):
    text = dataset / "train/2_nella woman/nella_train_0001.txt"
    text.unlink() if content is None else text.write_text(content, encoding="utf-8")
    with pytest.raises(CineloraError, match="1 of 3 images have no caption: nella_train_0001"):
        read_split(dataset, "train")


def test_a_missing_split_is_empty(tmp_path):
    assert read_split(tmp_path, "validation") == []


@pytest.mark.parametrize(
    ("size", "resolution", "bucket"),
    [
        ((1920, 1080), 512, (640, 384)),
        ((1920, 1080), 1024, (1344, 768)),
        ((1920, 800), 512, (768, 320)),
        ((1920, 800), 1024, (1536, 640)),
        ((700, 700), 512, (512, 512)),
        ((1080, 1920), 512, (384, 640)),
    ],
    ids=str,
)
def test_buckets_are_those_of_kohyas_trainer(size, resolution, bucket):
    assert choose_bucket(*size, make_buckets(resolution, 64)) == bucket


def test_no_bucket_is_larger_than_the_resolutions_area():
    buckets = make_buckets(128, 16)
    assert len(buckets) > 3
    for width, height in buckets:
        assert width * height <= 128**2
        assert width % 16 == height % 16 == 0


def test_an_image_is_cut_not_squashed(dataset):
    image = read_split(dataset, "train")[0]
    write_image(image.image, np.zeros((90, 160, 3), np.uint8))
    write_image(image.mask, np.full((90, 160), 255, np.uint8))
    fitted = fit_image(image, [(80, 48)])
    assert fitted.pixels.shape == (48, 80, 3)
    assert fitted.mask.shape == (48, 80)
    assert fitted.lost == pytest.approx(0.0625)
    assert not fitted.enlarged
    assert (fitted.original, fitted.corner) == ((90, 160), (0, 2))  # 85 x 48 px: 2 cut on the left


def test_a_mask_of_another_size_is_an_error(dataset):
    image = read_split(dataset, "train")[0]
    write_image(image.mask, np.full((10, 10), 255, np.uint8))
    with pytest.raises(CineloraError, match="is 10x10 px, its image 160x96"):
        fit_image(image, [(80, 48)])


def test_an_epoch_shows_each_image_as_often_as_its_repeats_say():
    sizes, repeats = [(2, 2), (2, 2), (2, 4), (2, 4)], [3, 1, 2, 1]
    batches = plan_batches(sizes, repeats, 2, np.random.default_rng(0))
    shown = [i for batch in batches for i in batch]
    assert [shown.count(i) for i in range(4)] == repeats
    assert all(len({sizes[i] for i in batch}) == 1 for batch in batches)
    assert max(map(len, batches)) == 2


def test_epochs_differ_but_have_equally_many_batches():
    plans = [plan_batches([(2, 2)] * 9, [2] * 9, 4, np.random.default_rng(n)) for n in (1, 2)]
    assert plans[0] != plans[1]
    assert len(plans[0]) == len(plans[1])


@pytest.mark.parametrize(
    ("captions", "trigger"),
    [
        (["nella woman, run", "nella woman, walk"], "nella woman"),
        (["nella woman runs", "nella woman walks"], "nella woman"),
        (["a", "b"], ""),
        (["kitetide style"], "kitetide style"),
        ([], ""),
    ],
    ids=["comma", "sentence", "nothing shared", "one", "none"],
)
def test_the_trigger_is_what_all_captions_begin_with(captions, trigger):
    assert find_trigger(captions) == trigger


def test_spread_takes_images_from_the_whole_film(dataset):
    images = read_split(dataset, "train")
    assert subsample_evenly(images, 2) == [images[0], images[1]]
    assert subsample_evenly(images, 9) == images


def test_tags_are_counted_by_concept(dataset):
    tags = count_tags(read_split(dataset, "train"))
    assert tags["nella woman"]["walk"] == 3


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_shuffled_captions_are_those_of_other_images_and_nothing_else_changes(tmp_path, count):
    images = read_split(make_dataset(tmp_path, train=count, held_out=1), "train")
    shuffled = shuffle_captions(images, np.random.default_rng(3))
    assert sorted(image.caption for image in shuffled) == sorted(i.caption for i in images)
    kept = [one.caption == other.caption for one, other in zip(images, shuffled, strict=True)]
    assert sum(kept) == (count == 1)
    assert [i.image for i in shuffled] == [i.image for i in images]
    assert [i.repeats for i in shuffled] == [i.repeats for i in images]
