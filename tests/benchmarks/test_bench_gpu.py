"""The speed of the full tier, at toy size on a CPU; the full sizes by their parameters."""

import re

import pytest
import torch
import yaml

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from benchmarks import gpu, gpu_models, sam2_either  # noqa: E402
from tests.factories import full_tier_in_code as full  # noqa: E402
from workflow_scripts.lib.errors import CineloraError  # noqa: E402


@pytest.mark.parametrize(
    ("make", "millions"),
    [
        (gpu_models.make_sam2_large, 224),
        (gpu_models.make_dinov2_base, 87),
        (gpu_models.make_vit_l_14, 428),
    ],
)
def test_what_is_built_has_the_full_size(make, millions):
    assert gpu_models.count_parameters(make) == pytest.approx(millions * 1e6, rel=0.01)


@pytest.fixture
def models(monkeypatch, tmp_path) -> dict:
    """The config block of the small test models, and where their weights are."""
    if not full.build.SHARED.is_dir():
        pytest.skip("the shared test weights are not there")
    table = yaml.safe_load(full.write_table(tmp_path / "weights").read_text(encoding="utf-8"))
    paths = {n: r["path"] for s in ("files", "folders") for n, r in table[s].items()}
    monkeypatch.setattr(
        gpu,
        "weight_files",
        lambda row: [
            *(paths[name] for name in [*row["files"], *row.get("folders", [])]),
            *row.get("reads", []),
        ],
    )
    names = {role: name for role, (name, _, _) in full.MODELS.items()}
    return {"tier": "full", "table": str(tmp_path / "weights/table.yaml"), **names}


def test_each_role_is_measured_at_toy_size(models, capsys):
    results = gpu.measure_all(models, "cpu", 0.0, rate=1e9, most=2, tokens=2)
    assert [one.weights for one in results] == ["fetched"] * len(results)
    assert all(one.per_s > 0 and one.batch <= 2 for one in results)
    shares = {one.what: one.share for one in results}
    assert shares["encoder"] > 0
    assert shares["3 people an image"] is None  # onnxruntime does not say
    page = gpu.write_page(results, 1e9, "cpu", "make bench-gpu")
    assert len(re.findall(r"^\| .* \|$", page, re.MULTILINE)) == len(results) + 1
    assert capsys.readouterr().out.count("|\n") == len(results)


def test_what_was_not_fetched_is_named_not_guessed(tmp_path):
    models = {"tier": "full", "device": "cpu"}
    opened, name, weights = gpu.open_role("caption", models, {}, tmp_path)
    line = gpu.write_line(gpu.Result("captions", name, weights))
    assert opened is None
    assert line.startswith("| captions | qwen2.5-vl-7b | not measured: weights not fetched | - |")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured():
    with pytest.raises(CineloraError, match="torch sees no GPU"):
        gpu.main([])


def test_both_sams_are_timed_by_turns():
    calls = []
    case = ("what", lambda: calls.append("sam2"), lambda: calls.append("ours"))
    pairs = sam2_either.time_by_turns(case, rounds=2)
    assert calls == ["ours", "sam2", "sam2", "ours", "ours", "sam2"]
    assert len(pairs) == 2
    line = sam2_either.write_line("what", [(2.0, 1.0), (3.0, 2.0), (1.0, 1.0)])
    assert line == "| what | 2.000 | 1.000 | 1.50 (1.00 to 2.00) | 3 |"
