"""score_expressions: views of a face, mean evidence, a row per face."""

import numpy as np
import pandas as pd
import pytest

from tests.factories.meshes import make_mesh
from workflow_scripts.film import score_expressions as phase
from workflow_scripts.film.people import face_views
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.models.expressions import Expression


def test_views_keep_the_face_and_are_mirrored():
    crop = np.zeros((100, 100, 3), np.uint8)
    crop[30:70, 30:50] = 255  # left half of the face is bright
    views = face_views.make_views(crop, np.array([30, 30, 70, 70]), 128)
    assert len(views) == 2 * len(face_views.SIZES) * len(face_views.SHIFTS)
    assert views[0].shape == (128, 128, 3)
    assert views[0][:, :40].mean() > 200 > 50 > views[0][:, 90:].mean()
    np.testing.assert_array_equal(views[0][:, ::-1], views[1])


def test_a_net_that_looks_closer_sees_finer_lines():
    crop = np.repeat(np.tile(np.uint8([0, 255]), 200)[None, :, None], 400, 0).repeat(3, 2)
    box = np.array([100, 100, 300, 300])  # lines of one pixel
    coarse, fine = (face_views.make_views(crop, box, side)[0] for side in (64, 224))
    assert fine.shape == (224, 224, 3)
    assert coarse.std() < 20 < 60 < fine.std()


def run_main(folder, monkeypatch, faces: int) -> pd.DataFrame:
    """Faces that are the brighter the later they come; what the net says of one is its gray."""
    names = [f"s0001_f{i:06d}_i00" for i in reversed(range(faces))]
    table = pd.DataFrame({"instance_id": names, "file": [f"{name}.png" for name in names]})
    table = table.assign(x0=20.0, y0=20.0, x1=40.0, y1=40.0, crop_x=10, crop_y=10)
    table["landmarks"] = [[25.0, 25, 35, 25, 30, 30, 26, 36, 34, 36]] * faces
    table.to_parquet(folder / "faces.parquet")
    for name in names:
        write_image(folder / f"{name}.png", np.full((40, 40, 3), 10 * int(name[7:13]), np.uint8))
    asked, shown = [], []

    def classify(views):
        shown.append(len(views))
        return np.repeat([[v.mean() / 100] for v in views], 7, 1)

    net = Expression(classify, 32)

    def mesh(crop, box, eyes):
        asked.append((box.tolist(), eyes.tolist()))
        return make_mesh(mouth_open=crop.mean() / 100), 0.8

    nets = {"stub": net, "mesh": mesh}
    monkeypatch.setattr(phase, "load_model", lambda row, _: nets[row["name"]] if faces else None)
    counts = phase.main(
        *(str(folder / "faces.parquet"), str(folder), [], [], str(folder / "out.parquet")),
        model={"name": "stub", "device": "cpu"},
        mesh_model={"name": "mesh", "device": "cpu"},
    )
    assert asked == [([10, 10, 30, 30], [[15, 15], [25, 15]])] * faces  # in pixels of the crop
    assert counts.read == faces
    assert shown == [16 * n for n in [8] * (faces // 8) + [faces % 8] if n]  # 8 faces a call
    return read_manifest(folder / "out.parquet")


def test_each_face_keeps_its_evidence(tmp_path, monkeypatch):
    table = run_main(tmp_path, monkeypatch, 19)
    assert table["instance_id"].is_monotonic_increasing
    evidence = np.array(table["log_probabilities"].tolist())
    assert evidence.shape == (19, 7)
    brightness = np.arange(19) / 10
    assert evidence[:, 0] == pytest.approx(np.log(np.maximum(brightness, face_views.FLOOR)))
    assert table["mouth_open"].tolist() == pytest.approx(brightness)
    assert table["mesh_score"].tolist() == pytest.approx([0.8] * 19)


def test_the_views_of_a_face_count_alike(tmp_path):
    row = dict.fromkeys(("x0", "y0"), 20) | dict.fromkeys(("x1", "y1"), 40)
    row |= {"crop_x": 10, "crop_y": 10, "path": str(tmp_path / "a.png")}
    row |= {"instance_id": "a", "landmarks": [25.0, 25, 35, 25, 30, 30, 26, 36, 34, 36]}
    write_image(tmp_path / "a.png", np.full((40, 40, 3), 90, np.uint8))
    chances = np.random.default_rng(0).uniform(0, 1, (16, 7))
    chances[3, 2] = 0  # one view is sure that it is not this
    net = phase.Expression(lambda views: chances[: len(views)], 32)
    rows = phase.show_faces(pd.DataFrame([row]), net, lambda *_: (make_mesh(), 0.8))
    expected = np.log(np.maximum(chances, 1e-4)).mean(0)
    assert rows["log_probabilities"][0] == pytest.approx(expected)


def test_no_face_leaves_an_empty_table_and_loads_no_model(tmp_path, monkeypatch):
    table = run_main(tmp_path, monkeypatch, 0)
    assert table.columns.tolist() == phase.SCORES.names
    assert len(table) == 0
