"""Adapters side by side: what the page shows, what it calls significant, what it refuses."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories import evaluations_in_code as made
from tests.factories.report_pages import Page, size_of
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.report import compare_adapters
from workflow_scripts.report.comparison.__main__ import LOOK, run
from workflow_scripts.report.comparison.evaluations import read_evaluations
from workflow_scripts.report.comparison.members import Group, hold_contests
from workflow_scripts.report.comparison.page import write_comparison
from workflow_scripts.report.comparison.pairs import (
    BETTER,
    TOO_FEW,
    UNDECIDED,
    WORSE,
    compare,
    group_evaluations,
)

OPTIONS = {"image_px": 512, "quality": 60, "max_mb": 15}
NASTY = "<script>alert('x')</script> & \"quotes\""
PLACE = "results/luca/evaluate_adapter"
ROWS = 2 * (len(made.PROMPTS) + len(made.UNRELATED))


def draw(folder, folders, **changes):
    """The page of these evaluations as text, and what was counted."""
    page = folder / "page.html"
    names = changes.pop("names", {"": "plain (chosen)"})
    counts = write_comparison(folders, LOOK, page, names, OPTIONS | changes)
    return page.read_text(encoding="utf-8"), counts


def read_text(page):
    """The words of a page, without markup, on one line."""
    body = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film with a chosen adapter and three variants: better, equal and worse."""
    folder = tmp_path_factory.mktemp("film") / PLACE
    training = {"steps": 120, "seconds": 95.4, "adapter_parameters": 111104}
    settings = {"steps": 240, "rank": 8, "stages": []}
    made.make_evaluation(
        folder / "character-nella",
        controls=("other_subject",),
        training=training | {"settings": settings},
    )
    for n, (name, gain) in enumerate({"better": 0.1, "equal": 0.0, "worse": -0.1}.items()):
        rank = training | {"settings": settings | {"rank": 16}}
        made.make_evaluation(folder / f"character-nella.{name}", gain, world=n + 1, training=rank)
    return folder


def list_folders(film):
    return sorted(film.iterdir())


@pytest.fixture(scope="module")
def page(film, tmp_path_factory):
    text, _ = draw(tmp_path_factory.mktemp("page"), list_folders(film))
    return text


def test_each_adapter_stands_beside_the_others_with_the_same_prompts_and_seeds(page):
    head = re.search(r"<thead><tr><th scope=\"col\">seed</th>(.*?)</tr>", page, re.DOTALL)[1]
    columns = [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in head.split("</th>")]
    variants = ("plain (chosen)", "better", "equal", "worse")
    expected = [f"{name} strength {s}" for name in variants for s in ("0.5", "1")]
    control = "other subject control of plain (chosen)"
    assert columns[:-1] == ["base alone", *expected, control]
    images = Page(page).images
    captions = 2 * len(made.PROMPTS)
    assert len(images) == 9 * ROWS + captions
    assert all(image["alt"] for image in images)
    assert "worse, strength 0.5, seed 2, a bicycle" in {image["alt"] for image in images}
    assert page.count("unrelated: should stay as the base draws it") == len(made.UNRELATED)


def test_the_page_is_one_file_without_requests_and_inline_handlers(page):
    found = Page(page)
    assert (found.loads, found.scripts, found.handlers) == ([], 1, [])
    assert len(found.ids) == len(set(found.ids)) > 3
    assert set(found.parts) <= {*found.ids} and "set-1" in found.parts
    assert not [n for n, m in zip(found.levels, found.levels[1:], strict=False) if m > n + 1]
    assert re.search(r"default-src 'none'; img-src data:; .* script-src 'sha256-", page)


def test_cost_is_read_from_the_trainings_and_what_was_set_otherwise_is_named(page):
    text = read_text(page)
    cost = "240, best at 120 95 s 2.50 MB 111,104"
    assert f"plain (chosen) {cost} better {cost} rank 16 (8)" in text
    assert "not measured" not in text


def test_cost_of_a_folder_that_lies_apart_was_not_measured(tmp_path):
    text, _ = draw(tmp_path, [made.make_evaluation(tmp_path / "copied")])
    assert "plain (chosen) not measured not measured not measured not measured" in read_text(text)


def hold(folders):
    (group,) = group_evaluations(read_evaluations(folders))
    return hold_contests(Group(group, {}))


def test_planted_differences_are_found_and_none_where_there_is_none(film):
    contests = {c.own: c for c in hold(list_folders(film)) if c.is_main}
    planted = {"better": BETTER, "equal": UNDECIDED, "worse": WORSE}
    assert set(contests) == {"chosen, strength 1", *(f"{name}, strength 1" for name in planted)}
    for name, verdict in planted.items():
        found = contests[f"{name}, strength 1"].differences
        assert {d.score: d.verdict for d in found} == dict.fromkeys(made.DIRECTIONS, verdict), name
        gain = {BETTER: 0.1, WORSE: -0.1, UNDECIDED: 0.0}[verdict]
        assert [d.value for d in found] == pytest.approx([gain] * 4, abs=0.03)
        assert {d.score: (d.n, d.clusters) for d in found} == {
            "heldout_loss": (8, 4), "similarity": (12, 6), "diversity": (6, 6), "drift": (6, 3)
        }  # fmt: skip


def test_a_difference_is_of_the_same_prompts_and_seeds_and_not_of_two_means():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"score": "similarity", "subject": list("aabbcc"), "seeds": list("121212")})
    rows = rows.assign(cluster=[0, 0, 1, 1, 2, 2], value=rng.normal(0, 9, 6))  # prompts differ much
    better = rows.assign(value=rows["value"] + 0.01)
    (found,) = compare(better.sample(frac=1, random_state=1), rows, {"similarity": "up"})
    assert found.verdict == BETTER and found.low == pytest.approx(0.01)
    (found,) = compare(better, rows, {"similarity": "down"})
    assert found.verdict == WORSE


def test_of_equals_about_one_in_twenty_is_decided():
    rng, decided = np.random.default_rng(3), 0
    keys = {"score": "similarity", "seeds": ["1", "2"] * 8, "cluster": np.arange(16) // 2}
    rows = pd.DataFrame(keys).assign(subject=keys["cluster"].astype(str), value=0.0)
    for _ in range(200):
        value = np.repeat(rng.normal(0, 1, 8), 2) + rng.normal(0, 0.5, 16)
        (found,) = compare(rows.assign(value=value), rows, {"similarity": "up"})
        decided += found.verdict in (BETTER, WORSE)
    assert 2 <= decided <= 22  # of 200


def test_of_one_prompt_nothing_is_said(tmp_path):
    folders = [
        made.make_evaluation(tmp_path / name, 0.5, world=n, prompts=["one"])
        for n, name in enumerate(["x", "x.y"])
    ]
    (found,) = [c for c in hold(folders) if c.own.startswith("y") and c.is_main]
    assert {d.score: d.verdict for d in found.differences}["similarity"] == TOO_FEW


def test_an_interval_does_not_depend_on_what_else_is_compared(film):
    all_, two = (hold(folders) for folders in (list_folders(film), list_folders(film)[:2]))
    assert len(all_) > len(two)
    same = [c for c in all_ if (c.own, c.other) in {(d.own, d.other) for d in two}]
    assert len(same) == len(two) == 4
    assert [c.differences for c in same] == [c.differences for c in two]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"prompts": ["another"]}, "other prompts or seeds."),
        ({"dataset": "e" * 64}, "other images of its dataset."),
        ({"prompts": ["x"], "dataset": "e" * 64}, "other prompts or seeds, images of its dataset."),
    ],
)
def test_sets_that_are_no_pairs_are_shown_and_not_compared(tmp_path, change, why):
    one = made.make_evaluation(tmp_path / "results/a/evaluate_adapter/pose")
    other = made.make_evaluation(tmp_path / "results/b/evaluate_adapter/pose", 0.5, **change)
    page, counts = draw(tmp_path, [one, other])
    text = read_text(page)
    assert counts.read == counts.kept == 2
    assert page.count("<section id=") == 3 and page.count('role="grid"') == 2
    assert f"Shown, but not compared with {one}: it has {why}" in text
    assert f"Shown, but not compared with {other}: it has {why}" in text
    assert "Between groups nothing is." in text
    beside = re.findall(r"plain \(chosen\), strength 1 beside ([a-z ]+?)\.", text)
    assert beside == ["base alone", "base alone"]


def test_runs_of_two_films_with_the_same_prompts_are_compared_and_told_apart(tmp_path):
    folders = [
        made.make_evaluation(tmp_path / f"results/{name}/evaluate_adapter/pose", world=n)
        for n, name in enumerate(["a", "b"])
    ]
    page, _ = draw(tmp_path, folders)
    assert f"plain (chosen) ({folders[1]}), strength 1 beside plain (chosen) ({folders[0]})" in page
    assert "a: pose, b: pose" in page and "not compared" not in page


def test_names_and_prompts_are_text_and_never_markup(tmp_path):
    folder = tmp_path / "<img src=x onerror=alert(1)>/evaluate_adapter/<b>pose</b>.<i>"
    evaluation = made.make_evaluation(
        folder.parent / folder.name.replace("/", ""), prompts=[NASTY], controls=("<u>other</u>",)
    )
    page, _ = draw(tmp_path, [evaluation], names={})
    found = Page(page)
    assert (found.scripts, found.handlers, found.loads) == (1, [], [])
    assert not re.search(r"<(b|i|u|img src=x)[ >]", page)
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    assert any(NASTY in image["alt"] for image in found.images)
    assert "&lt;u&gt;other&lt;/u&gt;" in page


def test_of_what_was_not_trained_the_page_says_why(tmp_path, film):
    empty = made.make_empty(tmp_path / PLACE / "style", "nothing was trained: 3 x dark")
    page, counts = draw(tmp_path, [empty, *list_folders(film)[:1]])
    assert "plain (chosen): nothing was trained: 3 x dark" in read_text(page)
    assert (counts.read, counts.kept, counts.set_aside) == (2, 1, {"empty": 1})
    page, counts = draw(tmp_path, [empty])
    assert (counts.read, counts.kept) == (1, 0)


def test_a_page_that_is_too_large_shows_smaller_images_then_fewer_prompts(tmp_path):
    folder = made.make_evaluation(tmp_path / "pose", strengths=(1.0,), side_px=200)
    whole, _ = draw(tmp_path, [folder])
    assert {size_of(image) for image in Page(whole).images} == {(200, 200)}
    smaller, _ = draw(tmp_path, [folder], max_mb=len(whole) / 1.5e6)
    assert {size_of(image)[0] for image in Page(smaller).images} == {128}
    assert 'data-width="200"' in smaller
    few, _ = draw(tmp_path, [folder], max_mb=0.1)
    assert 0 < len(Page(few).images) < len(Page(smaller).images)
    assert re.search(rf"<small>\d of {ROWS}</small>", few)


WRONG = {
    "no such folder": (lambda f: f.rename(f.with_name("gone")), "There is no folder"),
    "no scores": (lambda f: (f / "scores.parquet").unlink(), "it has no scores.parquet"),
    "an earlier version": (
        lambda f: (f / "drawings.parquet").unlink(),
        "has no drawings.parquet: an earlier version wrote it",
    ),
    "a foreign table": (
        lambda f: pd.DataFrame({"a": [1]}).to_parquet(f / "scores.parquet"),
        "has no column score, adapter",
    ),
    "a damaged table": (
        lambda f: (f / "values.parquet").write_bytes(b"PAR1 no table"),
        "values.parquet is a damaged table",
    ),
    "damaged settings": (
        lambda f: (f / "settings.yaml").write_text("a: [", encoding="utf-8"),
        "settings.yaml is damaged",
    ),
    "settings of something else": (
        lambda f: (f / "settings.yaml").write_text("seed: 7", encoding="utf-8"),
        "settings.yaml is damaged",
    ),
    "an image that is gone": (
        lambda f: (f / "images/own_1_p00_s1.png").unlink(),
        "own_1_p00_s1.png",
    ),
    "another base": (lambda f: change_base(f), "Adapters of different base models"),
    "no drawing of its own": (lambda f: keep_base(f), "holds no image of the adapter itself"),
}


def change_base(folder):
    how = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
    how["adapter"] |= {"base": "another", "base_sha256": "0" * 64}
    (folder / "settings.yaml").write_text(yaml.safe_dump(how), encoding="utf-8")


def keep_base(folder):
    rows = pd.read_parquet(folder / "drawings.parquet")
    rows[rows["adapter"] == "base"].to_parquet(folder / "drawings.parquet")


@pytest.mark.parametrize(("damage", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_compared_is_an_error_that_names_it(tmp_path, damage, words):
    folders = [
        made.make_evaluation(tmp_path / PLACE / name, world=n)
        for n, name in enumerate(["pose", "pose.longer"])
    ]
    damage(folders[1])
    with pytest.raises(CineloraError) as error:
        run([*map(str, folders), "--out", str(tmp_path / "page.html")])
    assert words in str(error.value) and "longer" in str(error.value)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{0}", "{0}", "--out", "{1}/page.html"], "is named twice"),
        (["{0}", "--out", "{1}"], "is no page: --out takes the name of a file"),
        (["{0}", "--out", "{1}/page.pdf"], "is no page"),
    ],
)
def test_wrong_arguments_are_said_in_words(tmp_path, arguments, words):
    folder = made.make_evaluation(tmp_path / "pose")
    with pytest.raises(CineloraError, match=words):
        run([one.format(folder, tmp_path) for one in arguments])


def test_the_command_compares_folders_of_any_runs(tmp_path):
    folders = [
        made.make_evaluation(tmp_path / run_ / PLACE / "pose", world=n)
        for n, run_ in enumerate(["monday", "tuesday"])
    ]
    said = run([*map(str, folders), "--out", str(tmp_path / "made/page.html")])
    assert said == f"{tmp_path}/made/page.html: 2 adapters, {5 * ROWS} images"
    assert (tmp_path / "made/page.html").is_file()


def test_main_takes_the_folders_of_its_inputs(film, tmp_path):
    judged = [str(path) for path in film.parents[0].rglob("*") if path.is_file()]
    page = tmp_path / "index.html"
    counts = compare_adapters.main(judged, LOOK, page, names={"": "plain"}, options=OPTIONS)
    assert (counts.read, counts.kept) == (4, 4)
    assert counts.found["images"] == 9 * ROWS + 2 * len(made.PROMPTS)
    assert counts.found["kilobytes"] == len(page.read_text(encoding="utf-8")) // 1000


def test_the_command_has_the_look_of_the_rule():
    rule = (
        Path(compare_adapters.__file__).parents[2] / "rules/report/compare_adapters.smk"
    ).read_text(encoding="utf-8")
    names = [path.name for path in LOOK]
    assert len(names) == 5 and all(path.is_file() for path in LOOK)
    assert re.findall(r'"([\w.]+\.(?:j2|css|js))"', rule) == [*names, "blocks.html.j2"]
