"""The speed of the full tier, at toy size on a CPU; the full sizes by their parameters."""

import json
import re

import pytest
import torch
import yaml

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from benchmarks import gpu, gpu_cases, gpu_models, sam2_either  # noqa: E402
from tests.factories import full_tier_in_code as full  # noqa: E402
from workflow_scripts.lib.errors import CineloraError  # noqa: E402
from workflow_scripts.models.loaders.devices import Batches  # noqa: E402
from workflow_scripts.models.loaders.openclip import load_embed  # noqa: E402


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


def test_openclip_is_opened_as_it_is_built(tmp_path, monkeypatch):
    full.build.build_openclip(tmp_path / "small")
    config = json.loads((tmp_path / "small/open_clip_config.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(gpu_models.open_clip, "get_model_config", lambda _: config["model_cfg"])
    gpu_models.build_vit_l_14(tmp_path / "built")
    clip = load_embed({"built": tmp_path / "built"}, device="cpu", batch_size=1)
    assert clip([gpu_cases.image(0, (90, 160))]).shape == (1, 32)


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


def test_each_role_is_measured_at_toy_size(models, monkeypatch, capsys):
    assert list(gpu.SIZES.values()) == [(540, 960), (1080, 1920), (2160, 3840)]
    monkeypatch.setattr(gpu, "SIZES", dict.fromkeys(gpu.SIZES, (90, 160)))
    monkeypatch.setattr(gpu_cases, "STEPS", 1)
    results = gpu.measure_all(models, "cpu", 0.0, rate=1e15, most=2, tokens=2)
    assert [one.weights for one in results] == ["fetched"] * len(results)
    assert all(one.per_s > 0 and one.batch <= 2 for one in results)
    assert [one.size for one in results if one.what == "encoder"] == ["540p", "1080p", "4K"]
    whats = {one.what for one in results}
    assert {"images drawn", "images of an update", "captions of backgrounds"} <= whats
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
    assert line.startswith("| captions |  | qwen2.5-vl-7b | not measured: weights not fetched |")


def test_what_a_case_gives_on_demand_is_asked_for():
    done = []

    def run(opened, batch, size):
        return (done.append(n) for n in range(batch))

    case = gpu_cases.Case("lazy", run)
    gpu.measure_batch(case, None, 3, (540, 960), torch.device("cpu"), 0.0)
    assert done == [0, 1, 2] * 3  # two calls that nobody times, and one


def test_a_batch_that_was_halved_is_not_printed_as_whole():
    computed = []

    def run(items):
        if len(items) > 3:
            raise torch.cuda.OutOfMemoryError
        computed.append(len(items))

    case = gpu_cases.Case("halved", lambda batches, n, size: batches(range(n)), (8,))
    how = ([8], (1, 1), torch.device("cpu"), 1e9, 0.0)
    assert gpu.measure_case(case, Batches(run, 8), *how)[0] == max(computed) == 2
    whole = gpu_cases.Case("whole", lambda opened, n, size: None, (8,))
    assert gpu.measure_batch(whole, None, 8, *how[1:3], 0.0)[0] == 8  # it has no batches of its own


@pytest.mark.parametrize(
    ("per_s", "share"),
    [(9.8e6, None), (9.8e6, 0.1), (100.0, 1.2)],
    ids=["more pixels than memory moves", "with a share", "more than the matrix rate"],
)
def test_an_impossible_rate_is_an_error(per_s, share):
    with pytest.raises(CineloraError, match="captions: .* no machine is as fast"):
        gpu.check_rate("captions", per_s, share, (540, 960))
    gpu.check_rate("captions", 3000.0, 0.9, (2160, 3840))


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
