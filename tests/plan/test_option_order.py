import copy

from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.option_order import order_like


def test_keys_stand_as_they_ship_however_deep():
    shipped = {"a": {"x": 1, "y": {"p": 1, "q": 2}}, "b": 2}
    config = {"b": 5, "a": {"y": {"q": 7, "p": 1}, "x": 1}}
    ordered = order_like(config, shipped)
    assert ordered == config
    assert repr(ordered) == "{'a': {'x': 1, 'y': {'p': 1, 'q': 7}}, 'b': 5}"


def test_new_keys_come_last_as_they_were_written():
    ordered = order_like({"z": 1, "luca": {"d": 1, "c": 2}, "a": 3}, {"a": 1})
    assert repr(ordered) == "{'a': 3, 'z': 1, 'luca': {'d': 1, 'c': 2}}"


def test_a_block_in_place_of_a_value_is_left_as_it_is():
    assert order_like({"a": {"y": 1, "x": 2}}, {"a": None}) == {"a": {"y": 1, "x": 2}}


def test_the_shipped_config_is_in_its_own_order():
    shipped = read_shipped()
    assert repr(order_like(copy.deepcopy(shipped), shipped)) == repr(shipped)
