"""A report drawn from results made in code, and what a browser would find in it."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from tests.factories import results_in_code
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.models.registry import choose_model, list_roles
from workflow_scripts.plan.targets import list_proofs, list_tables
from workflow_scripts.report import build_report

ROOT = Path(__file__).resolve().parents[2]
LOOK = [str(ROOT / f"resources/report/page{suffix}") for suffix in (".html.j2", ".css", ".js")]
ALL_KINDS = list(KINDS)
OPTIONS = {"gallery_size": 4, "image_px": 96, "quality": 60, "max_mb": 12}


def draw(folder, monkeypatch, kinds, *, people=True, change=None, options=OPTIONS, proofs=()):
    """Make the results of a film, draw its page, return the page and what main counted."""
    monkeypatch.chdir(folder)
    film = Path("results/demo")
    datasets = results_in_code.make_results(film, kinds, people)
    if change:
        change(film)
    Path("identities.csv").write_text("id,character\nt,nella\n", encoding="utf-8")
    Path("benchmarks").mkdir()
    Path("benchmarks/segment_instances.01of01.tsv").write_text(
        "s\th:m:s\tmax_rss\tcpu_time\n3.5\t0:00:03\t-\tNA\n", encoding="utf-8"
    )
    counts = build_report.main(
        list_tables("demo", kinds, datasets, [results_in_code.SHARD]),
        [*list_proofs("demo", datasets), *proofs],
        ["identities.csv"],
        str(ROOT / "resources/models.yaml"),
        LOOK,
        *(f"results/demo/{name}" for name in ("report/index.html", "f.svg", "t.svg")),
        "results/demo/progress.json",
        film={"path": "film.mp4", "kinds": kinds, "characters": {"nella": {}, "odo": {}}},
        datasets=datasets,
        tier="light",
        models={
            role: choose_model(role, {"tier": "light", "device": "cpu"}) for role in list_roles()
        },
        uncalibrated={"embed": ["identify_characters.max_distance"], "scene": []},
        benchmarks="benchmarks",
        options=options,
    )
    return Path("results/demo/report/index.html").read_text(encoding="utf-8"), counts


class Page(HTMLParser):
    """What a browser would load, and the scripts that it would run; images, ids, headings."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.scripts, self.handlers = [], 0, []
        self.images, self.ids, self.levels, self.parts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.scripts += name == "script"
        found = dict(attributes)
        self.images += [found] if name == "img" else []
        self.ids += [found["id"]] if "id" in found else []
        self.levels += [int(name[1])] if re.fullmatch("h[1-6]", name) else []
        self.parts += [found["href"][1:]] if found.get("href", "").startswith("#") else []
        for key, value in attributes:
            if key in ("src", "href", "srcset") and not value.startswith(("data:", "#")):
                self.loads.append(value)
            if key.startswith("on"):
                self.handlers.append(key)


def size_of(image):
    """Width and height in pixels of what an img of the page holds itself."""
    data = base64.b64decode(image["src"].removeprefix("data:image/webp;base64,"))
    with Image.open(io.BytesIO(data)) as opened:
        return opened.size
