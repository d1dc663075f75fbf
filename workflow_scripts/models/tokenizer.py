"""CLIP's real tokenizer, out of the merges that the package open_clip carries."""

import gzip
from importlib.util import find_spec
from pathlib import Path

from transformers import CLIPTokenizer

from workflow_scripts.lib.errors import CineloraError

CLIP_MERGES = 49152 - 256 - 2  # as many of the merges in the file as CLIP was trained with


def make_tokenizer() -> CLIPTokenizer:
    """Build CLIP's real tokenizer from the merges file inside the open_clip package."""
    package = find_spec("open_clip")
    source = Path(package.origin).parent / "bpe_simple_vocab_16e6.txt.gz" if package else None
    if source is None or not source.is_file():
        raise CineloraError(
            "The package open_clip lacks CLIP's merges (bpe_simple_vocab_16e6.txt.gz).\n"
            "  Install the environment again: make setup."
        )
    merges = gzip.decompress(source.read_bytes()).decode().split("\n")[1 : CLIP_MERGES + 1]
    pairs = [tuple(merge.split()) for merge in merges]
    return CLIPTokenizer(vocab=_vocabulary(pairs), merges=pairs, model_max_length=77)


def _vocabulary(merges: list[tuple[str, str]]) -> dict[str, int]:
    """Number the tokens as CLIP does: bytes, bytes that end a word, merges, start, end."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(rest))]
    words = [f"{letter}</w>" for letter in letters]
    tokens = [*letters, *words, *("".join(pair) for pair in merges)]
    return {token: n for n, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
