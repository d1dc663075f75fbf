"""The project's own small CLIP: its table of tokens, and its text tower as Stable Diffusion's.

Of CLIP's 49,408 tokens the captions of the cast use some hundred. Only their rows are shipped; the
others are drawn from a fixed seed when the model is opened, which is where training started from
too. So a word that the model never read has a vector of its own, and costs no byte.
"""

from typing import Any

import numpy as np
import open_clip
import torch
from timm.models import register_model
from transformers import CLIPTextConfig, CLIPTextModel

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.light_tower import strided_cnn

TABLE = "token_embedding.weight"
IDS, ROWS = "token_ids", "token_rows"  # in a shipped file, in place of the table
TABLE_STD = 0.02  # of the rows that no caption uses
TABLE_SEED = 14
START, END = 49406, 49407  # <|startoftext|>, <|endoftext|> of CLIP's vocabulary
MEAN = STD = (0.5, 0.5, 0.5)  # of the pixels that it is trained on

register_model(strided_cnn)  # open_clip makes image towers through timm


def draw_table(tokens: int, width: int) -> torch.Tensor:
    """The rows (tokens, width) float32 that training starts from, the same on every machine.

    Uniform numbers out of raw bits: numpy promises the bits of PCG64 for all its versions, but not
    what it makes of them.
    """
    bits = np.random.PCG64(TABLE_SEED).random_raw(tokens * width) >> np.uint64(40)
    uniform = bits.astype(np.float32) / np.float32(2**23) - 1  # -1 to 1: deviation 1/sqrt(3)
    scaled = uniform * np.float32(TABLE_STD * 3**0.5)
    # rounded as shipped: what was never trained must equal what is drawn, bit by bit
    return torch.from_numpy(scaled.reshape(tokens, width)).half().float()


def make_clip(config: dict[str, Any]) -> open_clip.CLIP:
    """A new model of an open_clip config, its table of tokens as drawn."""
    model = open_clip.CLIP(**config)
    with torch.no_grad():
        table = model.token_embedding.weight
        table.copy_(draw_table(*table.shape))
    return model


def pack_table(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state whose table is replaced by the rows that training changed, with their tokens."""
    table = state[TABLE].float()
    changed = (table != draw_table(*table.shape)).any(dim=1).nonzero()[:, 0]
    rest = {name: tensor for name, tensor in state.items() if name != TABLE}
    return rest | {IDS: changed.to(torch.int32), ROWS: table[changed]}


def unpack_table(state: dict[str, torch.Tensor], tokens: int) -> dict[str, torch.Tensor]:
    """The whole table again: shipped rows where there are some, drawn ones elsewhere."""
    ids, rows = state[IDS].long(), state[ROWS].float()
    if len(ids) != len(rows) or len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < tokens:
        raise CineloraError(
            f"the table of tokens is damaged: {len(ids)} tokens of {tokens}, {len(rows)} rows.\n"
            "  Fetch the file again (git checkout), or train it anew: make light-models."
        )
    table = draw_table(tokens, rows.shape[1])
    table[ids] = rows
    rest = {name: tensor for name, tensor in state.items() if name not in (IDS, ROWS)}
    return rest | {TABLE: table}


def convert_text_tower(state: dict[str, torch.Tensor], config: dict[str, Any]) -> CLIPTextModel:
    """The text tower in the layout of transformers, as Stable Diffusion takes it.

    Names are those of open_clip/transformer.py and of transformers/models/clip/modeling_clip.py.
    """
    text = config["text_cfg"]
    made = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=text["vocab_size"],
            hidden_size=text["width"],
            intermediate_size=4 * text["width"],
            num_hidden_layers=text["layers"],
            num_attention_heads=text["heads"],
            max_position_embeddings=text["context_length"],
            hidden_act="gelu",  # open_clip's default is the exact one; OpenAI's was approximate
            projection_dim=config["embed_dim"],
            bos_token_id=START,
            eos_token_id=END,
            pad_token_id=END,
        )
    )
    found = {
        "embeddings.token_embedding.weight": state[TABLE],
        "embeddings.position_embedding.weight": state["positional_embedding"],
        "final_layer_norm.weight": state["ln_final.weight"],
        "final_layer_norm.bias": state["ln_final.bias"],
    }
    for layer in range(text["layers"]):
        found |= _convert_layer(state, layer)
    prefix = "text_model." if any(n.startswith("text_model.") for n in made.state_dict()) else ""
    wanted = {n for n in made.state_dict() if not n.endswith("position_ids")}
    renamed = {f"{prefix}{name}": tensor.float() for name, tensor in found.items()}
    if wanted != set(renamed):
        raise CineloraError(
            f"transformers' CLIPTextModel has other tensors than expected: "
            f"{sorted(wanted ^ set(renamed))[:3]}.\n  Install the locked environment: make setup."
        )
    made.load_state_dict(renamed, strict=False)
    return made.eval()


def _convert_layer(state: dict[str, torch.Tensor], layer: int) -> dict[str, torch.Tensor]:
    """One block: open_clip keeps query, key and value in one matrix, in this order."""
    old, new = f"transformer.resblocks.{layer}.", f"encoder.layers.{layer}."
    found = {}
    for kind, tensor in (("weight", "in_proj_weight"), ("bias", "in_proj_bias")):
        parts = state[f"{old}attn.{tensor}"].chunk(3)
        for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
            found[f"{new}self_attn.{name}.{kind}"] = part
    names = {
        "attn.out_proj": "self_attn.out_proj",
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
    }
    for theirs, ours in names.items():
        for kind in ("weight", "bias"):
            found[f"{new}{ours}.{kind}"] = state[f"{old}{theirs}.{kind}"]
    return found
