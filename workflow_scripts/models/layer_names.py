"""Names of a base's layers in adapter files: as kohya's trainers write them."""

import re
from collections.abc import Mapping

TEXT_PREFIXES = {"text_encoder": "lora_te"}  # of text encoders in kohya's files
FLAT = re.compile(r"^(text_encoder(?:_2)?)\.(?!text_)")


def name_plainly(layer: str, prefixes: Mapping[str, str] = TEXT_PREFIXES) -> tuple[str, int]:
    """The name in kohya's files of a layer that is called the same there, but for dots."""
    part, _, rest = name_in_full(layer).partition(".")
    prefix = prefixes.get(part)
    return (f"{prefix}.{rest}" if prefix else f"lora_unet.{layer}").replace(".", "_"), 0


def name_in_full(layer: str) -> str:
    """A layer of a text encoder as all files have it; transformers itself now leaves a part out."""
    return FLAT.sub(r"\1.text_model.", layer)
