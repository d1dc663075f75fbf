"""Role caption, full tier: Qwen2.5-VL answers questions about images."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import AutoTokenizer, BitsAndBytesConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl import Qwen2VLImageProcessor, Qwen2VLVideoProcessor

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.loaders.devices import Batches, open_device, pick_dtype
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.folders import check_folder, open_pretrained, read_json

Ask = Callable[..., list[str]]  # ask(images, questions, system="") -> answers, in order


def load_caption(
    files: dict[str, Path],
    *,
    device: str,
    batch_size: int,
    max_new_tokens: int,
    max_side_px: int,
    four_bit: bool,
) -> Ask:
    """Return ask(images, questions) -> answers, each alike whatever else is in its batch.

    Images are RGB uint8 (H, W, 3); `system`, the same for all, says who answers and how.
    """
    folder = only_file(files)
    place = open_device(device)
    check_folder(folder, "tokenizer_config.json", {"qwen2_5_vl"})
    processor, model = open_processor(folder), open_net(folder, place, four_bit)

    @torch.inference_mode()
    def answer(triples: Sequence[tuple[np.ndarray, str, str]]) -> list[str]:
        texts = [write_chat(processor, system, question) for _, question, system in triples]
        shrunk = [shrink(image, max_side_px) for image, *_ in triples]
        inputs = processor(text=texts, images=shrunk, padding=True, return_tensors="pt").to(place)
        tokens = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        said = tokens[:, inputs["input_ids"].shape[1] :]
        return processor.batch_decode(said, skip_special_tokens=True)

    batches = Batches(answer, batch_size, place)

    def ask(images: Sequence[np.ndarray], questions: Sequence[str], system: str = "") -> list[str]:
        asked = [(i, q, system) for i, q in zip(images, questions, strict=True)]
        return [text for part in batches(asked) for text in part]

    return ask


def open_net(
    folder: Path, place: torch.device, four_bit: bool
) -> Qwen2_5_VLForConditionalGeneration:
    """The net in bfloat16 on a GPU; in four bits, which need a quarter of the memory, if asked."""
    net = Qwen2_5_VLForConditionalGeneration
    options = {"dtype": pick_dtype(place), "attn_implementation": pick_attention(place)}
    if not four_bit:
        return open_pretrained(net, folder, **options).eval().to(place)
    if place.type != "cuda" or find_spec("bitsandbytes") is None:
        raise CineloraError(
            "models.options.caption.four_bit needs a GPU (models.device: cuda) and the package "
            "bitsandbytes.\n  Install it, or set four_bit to false."
        )
    packed = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    return open_pretrained(
        net, folder, quantization_config=packed, device_map={"": place}, **options
    ).eval()


def pick_attention(place: torch.device) -> str:
    """Flash attention where its package is, which leaves padding out; else torch's own kernel."""
    return "flash_attention_2" if place.type == "cuda" and find_spec("flash_attn") else "sdpa"


def open_processor(folder: Path) -> Qwen2_5_VLProcessor:
    """The processor of the folder; answers grow to the right, so padding goes to the left."""
    with explain_damage(folder):
        there = {"local_files_only": True}
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", **there)
        images = Qwen2VLImageProcessor.from_pretrained(folder, **there)
        videos = Qwen2VLVideoProcessor.from_pretrained(folder, **there)
        chat = tokenizer.chat_template
        if (file := folder / "chat_template.json").is_file():
            chat = read_json(file)["chat_template"]
        return Qwen2_5_VLProcessor(images, tokenizer, videos, chat_template=chat)


def write_chat(processor: Qwen2_5_VLProcessor, system: str, question: str) -> str:
    """One turn with one image, in the model's own markup."""
    words = [{"type": "image"}, {"type": "text", "text": question}]
    turns = [{"role": "user", "content": words}]
    turns = [{"role": "system", "content": system}, *turns] if system else turns
    return processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def shrink(image: np.ndarray, max_side_px: int) -> Image.Image:
    """The image, no side longer than so many pixels: they become tokens, and tokens are time."""
    small = Image.fromarray(image)
    small.thumbnail((max_side_px, max_side_px))
    return small
