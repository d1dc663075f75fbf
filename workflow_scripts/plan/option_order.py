"""The order of options: that of the shipped config, however a user's file has them."""

from typing import Any


def order_like(config: dict[str, Any], shipped: dict[str, Any]) -> dict[str, Any]:
    """The config with the keys of each block in shipped order; new ones after them, as written.

    Snakemake compares params as text, and an overlay moves the keys that it names to the front: a
    block in another order would repeat its phase.
    """
    keys = [*(key for key in shipped if key in config), *(k for k in config if k not in shipped)]
    return {key: _order(config[key], shipped.get(key)) for key in keys}


def _order(value: Any, shipped: Any) -> Any:
    both = isinstance(value, dict) and isinstance(shipped, dict)
    return order_like(value, shipped) if both else value
