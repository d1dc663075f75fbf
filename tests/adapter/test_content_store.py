"""Tensors kept under what they were made from: damage, limits, and several jobs at once."""

import multiprocessing
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.lib.errors import CineloraError

KB = 1e-6  # in GB
FACTS = {"sizes": [[1, 2]], "lost": 0.25}


def make(seed: int, count: int = 100) -> dict[str, torch.Tensor]:
    return {"a": torch.randn(count, generator=torch.Generator().manual_seed(seed))}


def list_kept(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.rglob("*.safetensors"))


@pytest.mark.parametrize("max_gb", [1, 0], ids=["on disk", "in memory"])
def test_what_is_kept_is_found_again_whole(tmp_path, max_gb):
    store = ContentStore(tmp_path / "cache", max_gb)
    with store.in_use():
        assert store.find("latents", "k1") is None
        kept = store.keep("latents", "k1", make(1), FACTS)
        found = store.find("latents", "k1") if max_gb else kept
    assert found.facts == kept.facts == FACTS
    assert torch.equal(found.read()["a"], make(1)["a"])
    assert (tmp_path / "cache").exists() == bool(max_gb)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def flip_tensor(path: Path) -> None:
    flip(path, -5)


def flip_fact(path: Path) -> None:
    flip(path, path.read_bytes().index(b"0.25") + 3)


def flip_name(path: Path) -> None:
    flip(path, path.read_bytes().index(b'"a"') + 1)


def flip_length(path: Path) -> None:
    flip(path, 7)


def put_foreign(path: Path) -> None:
    safetensors.torch.save_file(make(9), path)


def put_other(path: Path) -> None:
    path.write_bytes(path.with_name("k1other.safetensors").read_bytes())


DAMAGES = [cut, empty, flip_tensor, flip_fact, flip_name, flip_length, put_foreign, put_other]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_or_foreign_file_is_found_out_and_made_again(tmp_path, damage, caplog):
    store = ContentStore(tmp_path, 1)
    with store.in_use():
        path = store.keep("latents", "k1", make(1), FACTS).path
        store.keep("latents", "k1other", make(2), FACTS)
        damage(path)
        assert store.find("latents", "k1") is None
        assert f"{path} is made again: it " in caplog.text
        store.keep("latents", "k1", make(1), FACTS)
        assert torch.equal(store.find("latents", "k1").read()["a"], make(1)["a"])


def test_what_waited_longest_for_a_use_goes(tmp_path):
    store = ContentStore(tmp_path, 4 * KB)  # each file has about 700 bytes
    for number in range(4):
        path = store.keep("texts", f"k{number}", make(number), FACTS).path
        os.utime(path, (number, number))
    store.find("texts", "k0")  # now it was used last
    small = ContentStore(tmp_path, 1.5 * KB)
    small.evict()
    assert list_kept(tmp_path) == ["k0", "k3"]
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) <= 1500


def test_nothing_goes_that_a_job_at_work_uses(tmp_path, caplog):
    store, other = ContentStore(tmp_path, 1 * KB), ContentStore(tmp_path, 1 * KB)
    old = [store.keep("texts", f"old{number}", make(number), FACTS).path for number in range(2)]
    for path in old:
        os.utime(path, (1, 1))
    with store.in_use():
        used = store.find("texts", "old0")
        kept = [store.keep("texts", f"k{number}", make(number), FACTS) for number in range(3)]
        with other.in_use():
            pass  # a second job ends, and tidies up
        assert list_kept(tmp_path) == ["k0", "k1", "k2", "old0"]
        assert "all of it is in use" in caplog.text
        assert all(one.read()["a"].numel() == 100 for one in [*kept, used])
    assert len(list_kept(tmp_path)) == 1


def test_what_a_killed_job_left_does_not_stay(tmp_path):
    store = ContentStore(tmp_path, 1)
    half = tmp_path / "texts/k1/.k1.safetensors.partial"
    mark = tmp_path / ".users/1-0"
    for path in (half, mark):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        os.utime(path, (1, 1))
    with store.in_use():
        assert half.exists()
    assert not half.exists() and not mark.exists()


def test_a_file_of_somebody_else_stays(tmp_path):
    (tmp_path / "precious.safetensors").write_bytes(b"x" * 9000)
    (tmp_path / "texts/deep/er").mkdir(parents=True)
    (tmp_path / "texts/deep/er/precious.safetensors").write_bytes(b"x" * 9000)
    with ContentStore(tmp_path, 1 * KB).in_use():
        pass
    assert list_kept(tmp_path) == ["precious"] * 2


def test_a_folder_that_was_emptied_while_it_was_read_says_what_to_do(tmp_path):
    with ContentStore(tmp_path, 1).in_use() as store:
        kept = store.keep("texts", "k1", make(1), FACTS)
        kept.path.unlink()
        with pytest.raises(CineloraError, match=r"emptied adapter\.cache_dir.*\n.*Run snakemake"):
            kept.read()


def work(folder: Path, start: int) -> None:
    """Find or make the same thirty entries as the others, in another order, many times."""
    for turn in range(6):
        with ContentStore(folder, 5 * KB).in_use() as store:
            kept = {}
            for number in range(30):
                key = (number * 7 + start + turn) % 30
                found = store.find("texts", f"k{key}")
                kept[key] = found or store.keep("texts", f"k{key}", make(key), FACTS)
            for key, one in kept.items():
                assert torch.equal(one.read()["a"], make(key)["a"])


def test_jobs_at_once_never_spoil_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=work, args=(tmp_path, 11 * n)) for n in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    assert 0 < len(list_kept(tmp_path)) <= 7
    assert list((tmp_path / ".users").iterdir()) == []
    assert list(tmp_path.rglob("*.partial")) == []
