"""Draw which phase feeds which, as Snakemake plans them: `make phases` writes resources/phases.svg.

The plan is that of the demo film with the models of the full tier, which needs every phase.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import networkx as nx
from markupsafe import Markup

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.rules import RULES, read_rules
from workflow_scripts.report.page.svg import tag

LEAVES = Path("resources/phases.svg")
OVERLAYS = [f"config/overlays/{name}.yaml" for name in ("demo", "full", "keep_the_base")]
COLORS = {  # fill and rim of the boxes of an area
    "models": ("#eeeae2", "#8f887e"),
    "film": ("#dfe9f3", "#4f7ca8"),
    "dataset": ("#e3efdd", "#5d8f45"),
    "adapter": ("#f8e4d4", "#c2622d"),
    "report": ("#eee3f1", "#8a5d9c"),
}
# Not drawn: no plan has them unless by their path
ASKED_FOR = {"compose_adapters", "search_adapter", "rank_trials"}
WIDTH, ROW, BOX, GAP, TOP = 860, 62, 30, 16, 46  # px
LETTER = 7.0  # px, of the widest letter of the font that is asked for
STYLE = "font: 13px system-ui, sans-serif"

Edges = list[tuple[str, str]]


def list_areas(folder: Path = RULES) -> dict[str, str]:
    """Area of each phase, by the folder that its rule file lies in."""
    return {path.stem: path.parent.name for path in sorted(folder.glob("*/*.smk"))}


def read_plan(text: str) -> Edges:
    """Which rule feeds which, out of what `snakemake --rulegraph` prints."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', text, flags=re.MULTILINE))
    edges = re.findall(r"^\s*(\d+) -> (\d+)", text, flags=re.MULTILINE)
    if not edges:
        raise CineloraError(f"snakemake --rulegraph named no rules; it said:\n{text[-1000:]}")
    return [(names[one], names[other]) for one, other in edges]


def keep_phases(edges: Edges, areas: dict[str, str]) -> nx.DiGraph:
    """The graph of phases, without models, which most phases need, and without what follows."""
    graph = nx.DiGraph(
        (one, other)
        for one, other in edges
        if {one, other} <= areas.keys() and areas[one] != "models"
    )
    return nx.transitive_reduction(graph)


def arrange(graph: nx.DiGraph) -> list[list[str | tuple]]:
    """Rows of phases, each below all that it needs; an edge that passes a row has a place there."""
    ranks = {}
    for phase in nx.lexicographical_topological_sort(graph):
        ranks[phase] = max((ranks[one] + 1 for one in graph.predecessors(phase)), default=0)
    rows: list[list] = [[] for _ in range(max(ranks.values()) + 1)]
    for phase, rank in ranks.items():
        rows[rank].append(phase)
    for one, other in sorted(graph.edges):
        for rank in range(ranks[one] + 1, ranks[other]):
            rows[rank].append((one, other))
    for _ in range(8):
        for above, row in zip(rows, rows[1:], strict=False):
            _sort_row(row, _places(above), lambda place: _sources(graph, place))
        for row, below in zip(rows[-2::-1], rows[:0:-1], strict=False):
            _sort_row(row, _places(below), lambda place: _targets(graph, place))
    return rows


def _places(row: list) -> dict:
    """Where each place of a row lies, from 0 to 1; edges that pass are found by both their ends."""
    return {place: (n + 0.5) / len(row) for n, place in enumerate(row)}


def _sources(graph: nx.DiGraph, place: str | tuple) -> list:
    if isinstance(place, tuple):
        return [place[0], place]
    return [item for one in graph.predecessors(place) for item in (one, (one, place))]


def _targets(graph: nx.DiGraph, place: str | tuple) -> list:
    if isinstance(place, tuple):
        return [place[1], place]
    return [item for other in graph.successors(place) for item in (other, (place, other))]


def _sort_row(row: list, places: dict, neighbors: Callable[[str | tuple], list]) -> None:
    """Bring each place near to the middle of its neighbors in the row beside."""
    own = _places(row)
    middles = {}
    for place in row:
        near = [places[item] for item in neighbors(place) if item in places]
        middles[place] = sum(near) / len(near) if near else own[place]
    row.sort(key=lambda place: (middles[place], str(place)))


def locate(rows: list[list]) -> dict[str | tuple, tuple[float, float]]:
    """Center (x, y) of every place; rows are centered, passing edges take little room."""
    found = {}
    for number, row in enumerate(rows):
        widths = [wide(place) for place in row]
        x = (WIDTH - sum(widths) - GAP * (len(row) - 1)) / 2
        for place, width in zip(row, widths, strict=True):
            found[place] = (x + width / 2, TOP + number * ROW + BOX / 2)
            x += width + GAP
    return found


def wide(place: str | tuple) -> float:
    """Width of a box in px; a passing edge has room to bend in."""
    return 2 * GAP if isinstance(place, tuple) else LETTER * len(place) + 24


def draw(graph: nx.DiGraph, areas: dict[str, str], gpu: set[str]) -> str:
    """The drawing as a file: boxes in the color of their area, GPU phases with a thick rim."""
    rows = arrange(graph)
    places = locate(rows)
    parts = [_draw_edge(rows, places, *edge) for edge in sorted(graph.edges)]
    parts += [
        _draw_box(phase, places[phase], areas[phase], phase in gpu) for phase in sorted(graph.nodes)
    ]
    fetched = sorted(name for name, area in areas.items() if area == "models")
    x = WIDTH - 12
    for name in fetched[::-1]:
        x -= wide(name)
        parts.append(_draw_box(name, (x + wide(name) / 2, TOP + BOX / 2), "models", False))
        x -= GAP
    words = tag("text", "models, for all that needs one", x=x + GAP, y=TOP - 10, style=STYLE)
    height = TOP + len(rows) * ROW
    return str(
        tag(
            "svg",
            tag("rect", width=WIDTH, height=height, fill="#ffffff"),
            *_draw_legend(),
            words,
            *parts,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {height}",
            width=WIDTH,
            role="img",
            aria_label="Which phase feeds which",
        )
    )


def _draw_edge(rows: list[list], places: dict, one: str, other: str) -> Markup:
    """A curve from the foot of a box to the head of another, through its places between."""
    passing = [places[place] for row in rows for place in row if place == (one, other)]
    x, y = places[one][0], places[one][1] + BOX / 2
    path = f"M{x:.0f} {y:.0f}"
    for to_x, center in [*passing, places[other]]:
        to_y = center - BOX / 2
        middle = (y + to_y) / 2
        path += f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}"
        x, y = to_x, center + BOX / 2
        path += f"V{y:.0f}" if (to_x, center) in passing else ""
    return tag("path", d=path, fill="none", stroke="#a8a196", stroke_width=1.4)


def _draw_box(phase: str, center: tuple[float, float], area: str, is_gpu: bool) -> Markup:
    fill, rim = COLORS[area]
    x, y, width = center[0], center[1], wide(phase)
    box = {"x": x - width / 2, "y": y - BOX / 2, "width": width, "height": BOX, "rx": 6}
    line = 2.6 if is_gpu else 1.0
    return tag(
        "g",
        tag("rect", **box, fill=fill, stroke=rim, stroke_width=line),
        tag("text", phase, x=x, y=y + 4.5, text_anchor="middle", fill="#23211e", style=STYLE),
    )


def _draw_legend() -> list[Markup]:
    parts, x = [], 12.0
    for area, (fill, rim) in COLORS.items():
        parts.append(tag("rect", x=x, y=9, width=14, height=14, rx=3, fill=fill, stroke=rim))
        parts.append(tag("text", area, x=x + 20, y=20.5, fill="#23211e", style=STYLE))
        x += 38 + LETTER * len(area)
    words = "thick rim: asks for a GPU"
    return [*parts, tag("text", words, x=x, y=20.5, fill="#23211e", style=STYLE)]


def plan_demo() -> str:
    """What Snakemake says of the rules of the demo film, with those that run on request."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "--configfile", *OVERLAYS]
    command += ["--config", "draw_suite={in_report: [character]}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise CineloraError(f"{' '.join(command[1:])} failed:\n{(run.stdout + run.stderr)[-1000:]}")
    return run.stdout


def main() -> None:
    areas = list_areas()
    graph = keep_phases(read_plan(plan_demo()), areas)
    gpu = {name for name, text in read_rules().items() if re.search(r"^\s+gpu=", text, re.M)}
    LEAVES.write_text(draw(graph, areas, gpu) + "\n", encoding="utf-8")
    print(f"{LEAVES}: {graph.number_of_nodes()} phases, {graph.number_of_edges()} arrows")


if __name__ == "__main__":
    main()
