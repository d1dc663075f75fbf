import hashlib

import pytest
import torch

from resources.light_models.recipe import train_clip
from resources.light_models.recipe.train_clip import Tokenizer
from tests.factories.light_recipe import clip_config
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.light_clip import (
    TABLE,
    TABLE_STD,
    convert_text_tower,
    draw_table,
    make_clip,
    pack_table,
    unpack_table,
)

DRAWN = (
    "8292595c043763b012b95324596289e6c72fd386d9915bb7e9252c980b9b603a"  # of draw_table(1000, 64)
)
TEXTS = ["", "a woman with red hair, beach, at night", "tazeja, " * 40]


def shake(model):
    """Tensors that start at zero or one would hide a wrong order."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point() and tensor.ndim:
                tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.05)
    return model.eval()


@pytest.fixture(scope="module")
def clip():
    return shake(make_clip(clip_config()))


def test_the_converted_tower_gives_what_open_clip_gives(clip):
    encoder = convert_text_tower(clip.state_dict(), clip_config())
    tokens = Tokenizer()(TEXTS, whole=True)
    with torch.no_grad():
        theirs = clip.encode_text(tokens)
        found = encoder(tokens)
        ours = found.pooler_output @ clip.text_projection
        x = clip.token_embedding(tokens) + clip.positional_embedding
        states = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask))
    assert tokens.shape == (3, 77)
    assert float(theirs.std()) > 0.1
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.last_hidden_state, states, atol=1e-5, rtol=0)


def test_a_tower_in_another_order_would_be_noticed(clip):
    state = dict(clip.state_dict())
    name = "transformer.resblocks.1.attn.in_proj_weight"
    state[name] = torch.cat(state[name].chunk(3)[::-1])
    tokens = Tokenizer()(TEXTS, whole=True)
    with torch.no_grad():
        right = convert_text_tower(clip.state_dict(), clip_config())(tokens).last_hidden_state
        wrong = convert_text_tower(state, clip_config())(tokens).last_hidden_state
    assert float((right - wrong).abs().max()) > 1e-3


def test_rows_that_nobody_trained_are_drawn_again():
    model = make_clip(clip_config())
    state = dict(model.state_dict())
    state[TABLE] = state[TABLE].clone()
    state[TABLE][[5, 49407]] += 1
    packed = pack_table(state)
    assert packed["token_ids"].tolist() == [5, 49407]
    assert packed["token_rows"].shape == (2, 64)
    assert TABLE not in packed
    whole = unpack_table(packed, 49408)
    assert whole.keys() == state.keys()
    assert torch.equal(whole[TABLE], state[TABLE])


def test_drawn_rows_differ_and_have_the_deviation_that_training_starts_from():
    table = draw_table(1000, 64)
    assert len({row.numpy().tobytes() for row in table}) == 1000
    assert float(table.std()) == pytest.approx(TABLE_STD, rel=0.02)
    assert abs(float(table.mean())) < 0.001
    # drawn on any machine: a change of the numbers would break every shipped model
    assert hashlib.sha256(table.numpy().tobytes()).hexdigest() == DRAWN


def test_a_damaged_table_is_refused():
    packed = {"token_ids": torch.tensor([60000]), "token_rows": torch.zeros(1, 4)}
    with pytest.raises(CineloraError, match="table of tokens is damaged"):
        unpack_table(packed, 49408)


def test_the_shipped_config_is_one_of_open_clips():
    open_clip = pytest.importorskip("open_clip")
    open_clip.add_model_config(train_clip.CONFIG)
    assert train_clip.CONFIG.stem in open_clip.list_models()
