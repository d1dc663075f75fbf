"""The drawing of the phases: it holds every one, and says what the plan says."""

import re
from pathlib import Path

import networkx as nx
import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan import draw_phases

DRAWING = Path(__file__).resolve().parents[2] / "resources/phases.svg"
PLAN = """digraph snakemake_dag {
	0[label = "all", color = "0.00 0.6 0.85", style="rounded"];
	1[label = "one", color = "0.07 0.6 0.85", style="rounded"];
	2[label = "two", color = "0.07 0.6 0.85", style="rounded"];
	3[label = "three", color = "0.07 0.6 0.85", style="rounded"];
	4[label = "fetch", color = "0.07 0.6 0.85", style="rounded"];
	3 -> 0
	1 -> 2
	2 -> 3
	1 -> 3
	4 -> 2
}"""
AREAS = {"one": "film", "two": "film", "three": "report", "fetch": "models"}


def names(drawing):
    """Names in the boxes of a drawing."""
    return re.findall(r'text-anchor="middle"[^>]*>(\w+)<', drawing)


def test_only_phases_and_arrows_that_follow_from_no_others_are_kept():
    graph = draw_phases.keep_phases(draw_phases.read_plan(PLAN), AREAS)
    assert sorted(graph.edges) == [("one", "two"), ("two", "three")]


def test_every_phase_has_one_box_and_gpu_phases_a_thick_rim():
    graph = draw_phases.keep_phases(draw_phases.read_plan(PLAN), AREAS)
    drawing = draw_phases.draw(graph, AREAS, {"two"})
    assert sorted(names(drawing)) == ["fetch", "one", "three", "two"]
    assert drawing.count("<path") == 2
    assert drawing.count('stroke-width="2.6"') == 1


def test_a_phase_stands_below_all_that_it_needs_and_long_arrows_have_room():
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "d"), ("a", "x"), ("x", "d")])
    rows = draw_phases.arrange(graph)
    assert [set(row) for row in rows] == [{"a"}, {"b", "x"}, {"c", ("x", "d")}, {"d"}]
    places = draw_phases.locate(rows)
    assert places["a"][1] < places["b"][1] < places["c"][1] < places["d"][1]


def test_boxes_of_a_row_do_not_overlap():
    row = ["classify_expressions", ("a", "b"), "crop_faces", "estimate_poses"]
    places = draw_phases.locate([row])
    edges = [(places[p][0] - draw_phases.wide(p) / 2, places[p][0]) for p in row]
    assert all(left > center for (_, center), (left, _) in zip(edges, edges[1:], strict=False))
    assert edges[0][0] >= 0


def test_a_plan_that_names_no_rules_is_an_error():
    with pytest.raises(CineloraError, match="named no rules"):
        draw_phases.read_plan("digraph {}")


def test_the_drawing_in_the_readme_shows_every_phase():
    phases = draw_phases.list_areas().keys() - draw_phases.ASKED_FOR
    assert len(phases) >= 24
    missing = phases ^ set(names(DRAWING.read_text(encoding="utf-8")))
    assert not missing, "run `make phases`"
