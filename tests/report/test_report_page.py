"""What is in the page for whoever reads it: images, lines to find, words of others, links."""

import itertools
import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from markupsafe import escape
from PIL import Image

from tests.factories import results_in_code
from tests.factories.report_pages import ALL_KINDS, OPTIONS, Page, draw, size_of
from workflow_scripts.lib.version import VERSION

FILE = 'class="file" data-file="([^"]+)"'


def test_a_page_of_all_kinds(tmp_path, monkeypatch):
    text, counts = draw(tmp_path, monkeypatch, ALL_KINDS)
    page = Page(text)
    assert page.loads == [], "the page asks for something outside itself"
    assert (page.scripts, page.handlers) == (1, [])
    assert results_in_code.NASTY not in text
    assert "&lt;script&gt;alert(&#39;caption&#39;)" in text
    assert "<mark>style word</mark>" in text
    folders = [path for path in Path("results/demo/datasets").iterdir() if path.is_dir()]
    assert text.count("different in effect") == len(folders) >= len(ALL_KINDS)
    assert "random weights" in text
    calibrated = text[text.index("Uncalibrated: options") :]
    assert "identify_characters.max_distance" in calibrated[: calibrated.index("</table>")]
    assert f"Made by cinelora {VERSION}." in text
    assert "odo was not found in any frame" in text
    assert counts.read == counts.kept + sum(counts.set_aside.values()) == 32
    assert f"{counts.kept} + 4 + 1 + 1 = 32 frames: it adds up." in text
    for file in ("f.svg", "t.svg"):
        assert Path("results/demo", file).read_text(encoding="utf-8").startswith("<svg")


def test_images_are_in_the_page_with_all_pixels_of_their_files(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ALL_KINDS, options=OPTIONS | {"image_px": 1920})
    shown = Page(text).images
    assert len(shown) > 50
    assert all(size_of(i) == (int(i["width"]), int(i["height"])) for i in shown)
    assert [i["width"] for i in shown if "data-width" in i and i["alt"]] == []
    frames = [size_of(i) for i in shown if i["alt"].startswith("Kept, ")]
    assert frames == [(384, 256)] * 4


def test_a_shrunk_image_names_the_file_that_has_all_pixels(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ALL_KINDS)
    shrunk = [i for i in Page(text).images if "data-width" in i]
    report = Path("results/demo/report")
    files = [i for i in shrunk if "data-file" in i]
    assert len(shrunk) > len(files) > 10  # masks were drawn for the page
    for image in files:
        with Image.open(report / unquote(image["data-file"])) as opened:
            assert opened.width == int(image["data-width"]) > size_of(image)[0]


def test_a_page_is_read_aloud_and_walked_by_links(tmp_path, monkeypatch):
    page = Page(draw(tmp_path, monkeypatch, ALL_KINDS)[0])
    told = [image["alt"] for image in page.images[8:]]  # those before are the strip at the top
    assert len(told) > 50
    assert all(told)
    assert len(page.ids) == len(set(page.ids))
    assert len(page.parts) > 15
    assert set(page.parts) <= set(page.ids)
    assert page.levels[0] == 1
    assert max(b - a for a, b in itertools.pairwise(page.levels)) == 1


def test_every_image_that_the_film_offers_can_be_found(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ["style"])
    row = r'<th scope="row">(?:<button[^>]*>)?(s\d+_f\d+)(?:</button>)?</th>'
    row += r"<td>[\d.]+ s</td><td>([^<]*)</td><td>([^<]*)</td>"
    lines = re.findall(row, text)
    frames = pd.read_parquet("results/demo/extract_frames/frames.parquet")
    assert sorted(name for name, _, _ in lines) == sorted(frames["frame_id"])
    assert {"train", "held out", "blurred"} <= {fate for _, _, fate in lines}
    assert {"nella", ""} < {who for _, who, _ in lines}
    files = [Path("results/demo/report", unquote(file)) for file in re.findall(FILE, text)]
    assert len(files) == (frames["file"] != "").sum() == 31
    assert all(file.is_file() for file in files)
    for word in ("nella", "style", "held out", "blurred"):
        assert f'<option value="{word}">' in text


def test_a_shot_that_is_wide_in_its_frame_and_full_when_cut_out_is_said_to_be(
    tmp_path, monkeypatch
):
    def be_wide(film):
        path = film / "datasets/character-nella/dataset.parquet"
        pd.read_parquet(path).assign(category="wide").to_parquet(path)

    text, _ = draw(tmp_path, monkeypatch, ["character"], change=be_wide)
    assert re.search(r"(\d+) images, seen \d+ times; cut out: \1 full<", text)


def judge_as_bad(film):
    share = {"share": 0.5, "recommended": [0.1, 0.2], "n": 4, "verdict": "above"}
    results_in_code.write_json(film / "analyze_dataset/style.json", {"occluded": share})


def test_the_page_opens_with_what_stands_out(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ["background", "style"], change=judge_as_bad)
    first = text[text.index("<section") : text.index("</section>")]
    assert "1 of them with something to look at" in first
    assert re.search(r'href="#dataset-style">style</a></th><td>many: partly hidden 50%<', first)
    assert first.count("nothing: the splits are apart") == 1


HOSTILE = {  # of a film, a character, an id, a file, a trigger: what somebody may call them
    "markup": "<img src=x onerror=alert(1)>",
    "quotes": "\"'><script>alert(1)</script>",
    "right to left": "\u202eevil \u05e9\u05dc\u05d5\u05dd",
    "long": "x" * 200,
    "template": "{{ 7 * 7 }}{% raw %}",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_of_others_are_text_and_nothing_else(tmp_path, monkeypatch, name):
    def rename(film):
        path = film / "datasets/style/dataset.parquet"
        rows = pd.read_parquet(path)
        rows.assign(category=name, caption=f"{name}, sits").to_parquet(path)
        results_in_code.write_json(film / "datasets/style/counts.json", {"trigger": name})
        path = film / "identify_characters/identities.parquet"
        pd.read_parquet(path).assign(character=name).to_parquet(path)

    text, _ = draw(tmp_path, monkeypatch, ["style"], change=rename)
    page = Page(text)
    assert (page.loads, page.scripts, page.handlers) == ([], 1, [])
    assert f"<mark>{escape(name)}</mark>, sits" in text
    assert f'<option value="{escape(name)}">' in text
