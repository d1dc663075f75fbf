"""Which rules run again after a change of any option: the table in option_reruns.yaml.

Run on empty files that Snakemake takes for finished results: only plans are made here.
"""

from pathlib import Path

import pytest
import yaml

from tests.factories import copy_in_code, options
from tests.factories.plans import Change, make_plans

TABLE = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").with_stem("option_reruns").read_text("utf-8")
)
HEAVY = {option: reason for reason, names in TABLE["heavy"].items() for option in names}
SHIPPED = options.list_options()
LISTED = [option for option in TABLE["runs"] if option in SHIPPED]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which every result counts as finished."""
    folder = copy_in_code.copy_project(tmp_path_factory.mktemp("project"))
    copy_in_code.pretend_finished(folder)
    return folder


@pytest.fixture(scope="module")
def plans(project):
    """Option -> the plan after its change; under "" the plan without one."""
    values = options.find_other_values(TABLE["values"])
    changes = [Change(options.change_option(option, values[option])) for option in LISTED]
    made = make_plans(project, [Change(), *changes])
    found = dict(zip(["", *LISTED], made, strict=True))
    print_table(found)
    return found


def print_table(plans):
    """For `pytest -s`: option, what runs because of it, how many rules follow."""
    print("\n\n| option | what runs | and after it | work on images or a GPU, before packing |")
    print("|---|---|---|---|")
    for option in LISTED:
        plan = plans[option]
        repeated = sorted(plan.heavy & plans[""].upstream_of("pack_dataset"))
        first = ", ".join(sorted(plan.first)) or "nothing"
        print(f"| {option} | {first} | {len(plan.rules - plan.first)} | {', '.join(repeated)} |")


def test_every_option_stands_in_the_table():
    assert len(SHIPPED) > 100
    assert set(TABLE["runs"]) == set(SHIPPED)
    assert set(HEAVY) | set(TABLE["values"]) <= set(SHIPPED)


def test_without_a_change_nothing_runs(plans):
    assert plans[""].rules == set()
    assert plans[""].error == ""


@pytest.mark.parametrize("option", LISTED)
def test_a_changed_option_runs_what_it_concerns_and_what_follows(plans, option):
    text = TABLE["runs"][option]
    wanted = set() if text == "nothing" else set(text.split(", "))
    plan = plans[option]
    assert plan.error == ""
    assert plan.first == wanted
    assert plan.rules == (plan if plan.after else plans[""]).add_downstream(wanted)


def test_only_the_listed_options_repeat_work_on_images_before_packing(plans):
    upstream = plans[""].upstream_of("pack_dataset")
    assert {"segment_instances", "extract_frames"} <= upstream
    repeating = {option for option in LISTED if plans[option].heavy & upstream}
    assert repeating == set(HEAVY)


def test_no_two_numbers_of_a_rule_stand_outside_of_a_block(plans):
    """Snakemake compares values without names: two numbers that swap would go unseen."""
    numbers = plans[""].numbers
    assert len(numbers) > 20
    assert {rule: names for rule, names in numbers.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    "option", ["filter_frames.min_sharpness", "seed", "dedup_frames.max_change"]
)
def test_the_plans_are_those_of_a_real_dry_run(project, plans, tmp_path, option):
    overlay = tmp_path / "mine.yaml"
    value = options.find_other_values(TABLE["values"])[option]
    overlay.write_text(yaml.safe_dump(options.change_option(option, value)), encoding="utf-8")
    arguments = ["--configfile", "config/config.yaml", str(overlay)]
    assert copy_in_code.planned_rules(project, *arguments) == plans[option].rules - {"all"}


def test_one_more_variant_trains_and_judges_one_adapter_of_each_dataset(project, tmp_path):
    overlay = tmp_path / "variants.yaml"
    overlay.write_text("adapter: {compared: [higher_rank]}\n", encoding="utf-8")
    arguments = ["--configfile", "config/config.yaml", str(overlay)]
    jobs = copy_in_code.planned_jobs(project, *arguments)
    after = {"all": 1, "build_report": 1}
    assert jobs == {"train_adapter": 8, "evaluate_adapter": 8} | after


def test_swapped_values_are_seen_and_another_order_or_source_of_weights_is_no_change(project):
    swapped = {"dedup_frames": {"max_distance_within_shot": 4, "max_distance_across_shots": 8}}
    reordered = {"dedup_frames": dict(reversed(options.read_shipped()["dedup_frames"].items()))}
    places = {"models": {"models_dir": "resources"}}
    changes = [Change(config) for config in (swapped, reordered, places)]
    first = [plan.first for plan in make_plans(project, changes)]
    assert first == [{"dedup_frames"}, set(), set()]
