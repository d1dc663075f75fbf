from random import Random

import pandas as pd
import pyarrow as pa
import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import (
    iter_batches,
    read_manifest,
    read_vectors,
    replace_when_done,
    select_shard,
    write_manifest,
)

SCHEMA = pa.schema([("frame_id", pa.string()), ("score", pa.float64())])


def rows(*ids):
    return pd.DataFrame({"frame_id": list(ids), "score": [float(n) for n in range(len(ids))]})


def test_rows_come_back_sorted_by_id(tmp_path):
    write_manifest(rows("f2", "f1"), tmp_path / "a.parquet", SCHEMA)
    assert read_manifest(tmp_path / "a.parquet")["frame_id"].tolist() == ["f1", "f2"]


def test_shards_are_read_as_one_table(tmp_path):
    write_manifest(rows("f1"), tmp_path / "1.parquet", SCHEMA)
    write_manifest(rows("f2"), tmp_path / "2.parquet", SCHEMA)
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    assert read_manifest(paths, ["frame_id"])["frame_id"].tolist() == ["f1", "f2"]


def test_an_empty_table_keeps_its_columns(tmp_path):
    write_manifest(rows(), tmp_path / "a.parquet", SCHEMA)
    assert read_manifest(tmp_path / "a.parquet").columns.tolist() == SCHEMA.names


def test_a_missing_column_is_named(tmp_path):
    write_manifest(rows("f1"), tmp_path / "a.parquet", SCHEMA)
    with pytest.raises(CineloraError, match=r"no column blur.\n  It has: frame_id, score"):
        read_manifest(tmp_path / "a.parquet", ["frame_id", "blur"])


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("results/demo/dedup_frames/groups.parquet", "--forcerun dedup_frames"),
        ("results/demo/estimate_poses/01of02.parquet", "--forcerun estimate_poses"),
        ("results/demo/datasets/pose/dataset.parquet", "--forcerun pack_dataset"),
        ("results/results/adapters/pose/metrics.parquet", "--forcerun train_adapter"),
        ("results/demo/detect_text_of_old/text.parquet", "Run that version"),
        ("results/demo/a.parquet", "Run that version"),
        ("elsewhere/a.parquet", "Run that version"),
    ],
    ids=str,
)
def test_an_old_table_is_refused_with_the_command_that_renews_it(tmp_path, file, remedy):
    write_manifest(rows("f1"), tmp_path / file, SCHEMA)
    with pytest.raises(
        CineloraError, match=rf"(?s)Another version of the workflow.*{remedy}"
    ) as error:
        read_manifest(tmp_path / file, ["blur"])
    assert str(error.value).count("snakemake --cores 4") == remedy.startswith("--forcerun")


@pytest.mark.parametrize("keep", [0, 4, 100], ids=["empty", "a few bytes", "cut off"])
def test_a_damaged_table_is_refused_with_the_command_that_renews_it(tmp_path, keep):
    path = tmp_path / "results/demo/dedup_frames/groups.parquet"
    write_manifest(rows("f1"), path, SCHEMA)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CineloraError, match=r"(?s)is a damaged table.*--forcerun dedup_frames"):
        read_manifest(path)


def test_whatever_bit_or_end_is_lost_no_row_is_lost_without_a_word(tmp_path):
    path, dice = tmp_path / "a.parquet", Random(5)
    write_manifest(rows(*(f"f{number}" for number in range(50))), path, SCHEMA)
    whole = path.read_bytes()
    refused = 0
    for _ in range(200):
        place = dice.randrange(len(whole))
        flipped = bytes([whole[place] ^ 1 << dice.randrange(8)])
        path.write_bytes(whole[:place] + dice.choice([flipped + whole[place + 1 :], b""]))
        try:
            assert len(read_manifest(path)) == sum(map(len, iter_batches(path))) == 50
        except CineloraError:
            refused += 1
    assert 150 < refused < 200


def test_damage_of_what_pandas_wrote_into_a_footer_does_not_matter(tmp_path):
    rows("f1").to_parquet(tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data.replace(b'{"index_columns"', b'["index_columns"'))
    assert read_manifest(tmp_path / "a.parquet").columns.tolist() == SCHEMA.names


def test_a_misspelt_column_is_refused(tmp_path):
    with pytest.raises(CineloraError, match="scroe"):
        write_manifest(rows("f1").rename(columns={"score": "scroe"}), tmp_path / "a", SCHEMA)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), replace_when_done(target) as partial:
        partial.write_text("half", encoding="utf-8")
        raise RuntimeError("disk full")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("count", [1, 2, 3, 7], ids="{} shards".format)
def test_shards_hold_each_shot_once_and_whole(count):
    frames = pd.DataFrame({"shot_id": [0] * 5 + [1] * 50 + [2] * 5 + [3] * 30 + [9] * 10})
    shards = [select_shard(frames, f"{n + 1:02d}of{count:02d}") for n in range(count)]
    assert sorted(i for shard in shards for i in shard.index) == list(frames.index)
    shots = [set(shard["shot_id"]) for shard in shards]
    assert sum(len(group) for group in shots) == 5


def test_two_shards_are_about_equal():
    frames = pd.DataFrame({"shot_id": [shot for shot in range(20) for _ in range(10)]})
    assert len(select_shard(frames, "01of02")) == 100


def test_no_frames_make_an_empty_shard():
    assert select_shard(pd.DataFrame({"shot_id": []}), "01of02").empty


def test_vectors_of_one_kind_come_in_the_order_asked_for(tmp_path):
    rows = [("b", "frame", [9.0, 9.0, 9.0]), ("b", "background", [1.0, 2.0])]
    rows += [("z", "background", [5.0, 6.0]), ("a", "background", [3.0, 4.0])]
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for part, path in zip((rows[:2], rows[2:]), paths, strict=True):
        pd.DataFrame(part, columns=["image_id", "kind", "vector"]).to_parquet(path)
    vectors, known = read_vectors(paths, "background", pd.Series(["a", "b", "lost"]))
    assert vectors.tolist() == [[3, 4], [1, 2], [0, 0]]
    assert known.tolist() == [True, True, False]
