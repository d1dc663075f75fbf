"""The full tier's nets at full size, without numbers, and the work of each for one item.

Sizes are those of each model's own config.json or paper, named beside them; tests compare the
parameters of Qwen, the UNet and LaMa with the sizes of their published files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import DynamicCache, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from benchmarks.gpu_models import make_dinov2_base, make_sam2_large, make_vit_l_14
from benchmarks.work import Work, count_parameters, count_work

# Qwen/Qwen2.5-VL-7B-Instruct, config.json
QWEN_TEXT = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
}
QWEN_VISION = {
    "depth": 32,
    "hidden_size": 1280,
    "num_heads": 16,
    "intermediate_size": 3420,
    "out_hidden_size": 3584,
    "patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
}
SAM_CELLS, SAM_WIDTH, SAM_MEMORY = 64, 256, 64  # of its coarsest level; channels of a memory
MEMORIES, POINTERS = 7, 16  # sam2.1_hiera_l.yaml: num_maskmem, max_obj_ptrs_in_encoder


@dataclass(frozen=True)
class Net:
    """What one item reads of a model's weights, its work, and what of the model is in memory."""

    parameters: float  # that the work reads
    work: Work
    whole: float = 0.0  # parameters of all of the model, where it has more
    value_bytes: int = 4  # of a parameter as it is loaded

    @property
    def weight_bytes(self) -> float:
        return self.value_bytes * self.parameters

    @property
    def held_bytes(self) -> float:
        return self.value_bytes * max(self.parameters, self.whole)


def zeros(*shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.zeros(*shape, dtype=kind, device="meta")


def build(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    with torch.device("meta"):
        return make().eval()


def count_clip() -> Net:
    """One image through OpenCLIP ViT-L/14."""
    clip = build(make_vit_l_14)
    work = count_work(clip, lambda: clip.encode_image(zeros(1, 3, 224, 224)))
    return Net(count_parameters(clip.visual), work, count_parameters(clip))


def count_dinov2() -> Net:
    """One image through DINOv2-B, at 224 px."""
    dino = build(make_dinov2_base)
    return Net(count_parameters(dino), count_work(dino, lambda: dino(zeros(1, 3, 224, 224))))


def count_sam2() -> tuple[Net, Net, Net]:
    """The encoder on one image; one box's mask; one person followed into one frame.

    To follow is to attend to the full memory, to decode, and to write the memory of the frame.
    """
    sam, cells, wide = build(make_sam2_large), SAM_CELLS, SAM_WIDTH
    with torch.device("meta"):  # it makes places of windows where it is told
        encoded = count_work(sam, lambda: sam.vision_encoder(zeros(1, 3, 1024, 1024)))
    image = zeros(1, wide, cells, cells)
    mask = count_mask(sam, image)
    pointers = POINTERS * wide // SAM_MEMORY
    now = zeros(cells**2, 1, wide)
    past = zeros(MEMORIES * cells**2 + pointers, 1, SAM_MEMORY)
    attended = count_work(
        sam,
        lambda: sam.memory_attention(now, past, now, past, num_object_pointer_tokens=pointers),
    )
    written = count_work(sam, lambda: sam.memory_encoder(image, zeros(1, 1, 1024, 1024)))
    decoders = count_parameters(sam.mask_decoder) + count_parameters(sam.prompt_encoder)
    memory = count_parameters(sam.memory_attention) + count_parameters(sam.memory_encoder)
    whole = count_parameters(sam)
    return (
        Net(count_parameters(sam.vision_encoder), encoded, whole),
        Net(decoders, mask, whole),
        Net(decoders + memory, attended + mask + written, whole),
    )


def count_mask(sam: torch.nn.Module, image: torch.Tensor) -> Work:
    """A mask from the features of an image (1, C, h, w) and a box."""
    cells, wide = SAM_CELLS, SAM_WIDTH
    fine = [zeros(1, wide // 8, 4 * cells, 4 * cells), zeros(1, wide // 4, 2 * cells, 2 * cells)]
    return count_work(
        sam,
        lambda: sam.mask_decoder(
            image_embeddings=image,
            image_positional_embeddings=image,
            sparse_prompt_embeddings=zeros(1, 1, 2, wide),
            dense_prompt_embeddings=image,
            multimask_output=False,
            high_resolution_features=fine,
        ),
    )


def make_qwen() -> Qwen2_5_VLForConditionalGeneration:
    config = Qwen2_5_VLConfig(
        text_config=QWEN_TEXT, vision_config=QWEN_VISION, tie_word_embeddings=False
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def count_qwen(grid: tuple[int, int], letters: int, tokens: int) -> tuple[Net, Net]:
    """An image and a question read; one token of an answer of so many.

    `grid` are rows and columns of patches; `letters` of the question become a quarter as many
    tokens. Of the table of words each token reads a row, which is not counted; the image tower is
    read with the question alone.
    """
    qwen = build(make_qwen)
    tower, language = qwen.model.visual, qwen.model.language_model
    seen = count_work(qwen, lambda: run_tower(tower, grid))
    merge = tower.spatial_merge_size**2
    length = grid[0] * grid[1] // merge + letters // 4
    cache = DynamicCache(config=language.config)
    read = count_work(qwen, lambda: run_language(language, length, 0, cache))
    # from here on the cache is full: the middle of the answer stands for all of it
    said = count_work(qwen, lambda: run_language(language, 1, length + tokens // 2, cache))
    head = Work(2.0 * qwen.lm_head.weight.numel(), 0.0)
    rest = count_parameters(language) - language.embed_tokens.weight.numel()
    rest, whole = rest + qwen.lm_head.weight.numel(), count_parameters(qwen)
    return (
        Net(count_parameters(tower) + rest, seen + read + head, whole, value_bytes=2),
        Net(rest, said + head, whole, value_bytes=2),
    )


def run_tower(tower: torch.nn.Module, grid: tuple[int, int]) -> torch.Tensor:
    """The image tower, layer by layer: as a whole it wants the numbers of its places."""
    count, side = grid[0] * grid[1], tower.patch_size
    windows = list_windows(grid, QWEN_VISION["window_size"] // side)
    ends = {True: torch.tensor([0, count]), False: torch.tensor([0, *accumulate(windows)])}
    states = tower.patch_embed(zeros(count, 3 * 2 * side**2))  # an image is a film of two frames
    turns = zeros(count, states.shape[1] // QWEN_VISION["num_heads"])
    for number, block in enumerate(tower.blocks):
        is_whole = number in QWEN_VISION["fullatt_block_indexes"]
        longest = count if is_whole else max(windows)
        states = block(states, ends[is_whole], (turns, turns), max_seqlen=longest)
    return tower.merger(states)


def list_windows(grid: tuple[int, int], side: int) -> list[int]:
    """Patches of each window of `side` x `side`, those at the edges smaller."""
    rows, columns = ([min(side, n - start) for start in range(0, n, side)] for n in grid)
    return [row * column for row in rows for column in columns]


def run_language(
    language: torch.nn.Module, length: int, start: int, cache: DynamicCache
) -> torch.Tensor:
    """So many tokens, after what the cache holds."""
    states = zeros(1, length, QWEN_TEXT["hidden_size"])
    places = zeros(3, 1, length, kind=torch.long)
    return language(
        inputs_embeds=states, position_ids=places, past_key_values=cache, use_cache=True
    )


def make_unet() -> UNet2DConditionModel:
    """stable-diffusion-v1-5, unet/config.json: diffusers' defaults but for these."""
    return UNet2DConditionModel(sample_size=64, cross_attention_dim=768)


def make_vae() -> AutoencoderKL:
    """stable-diffusion-v1-5, vae/config.json."""
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
    )


def count_diffusion() -> tuple[Net, Net, Net]:
    """The UNet once on 512 px; an image into latents, in float32; latents into an image."""
    unet, vae = build(make_unet), build(make_vae)
    step = zeros(1, 4, 64, 64), zeros(1, kind=torch.long), zeros(1, 77, 768)
    drawn = count_work(unet, lambda: unet(*step))
    encoded = count_work(vae, lambda: vae.encode(zeros(1, 3, 512, 512)), value_bytes=4)
    decoded = count_work(vae, lambda: vae.decode(zeros(1, 4, 64, 64)))
    whole = count_parameters(unet) + count_parameters(vae)
    return (
        Net(count_parameters(unet), drawn, whole),
        Net(count_parameters(vae.encoder) + count_parameters(vae.quant_conv), encoded, whole),
        Net(count_parameters(vae.decoder) + count_parameters(vae.post_quant_conv), decoded, whole),
    )


def count_backward(unet: UNet2DConditionModel, rank: int, targets: list[str]) -> float:
    """Operations of an update by one image, forward and backward, with an adapter's layers."""
    from peft import LoraConfig  # not above: only this needs it, and it is slow to import

    from benchmarks.work import count_operations

    unet.requires_grad_(False)
    with torch.device("meta"):
        unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))
    step = zeros(1, 4, 64, 64), zeros(1, kind=torch.long), zeros(1, 77, 768)
    return count_operations(lambda: unet(*step).sample.sum().backward())


# Big LaMa (Suvorov et al. 2022; advimman/lama, configs/training/generator/ffc_resnet_075.yaml with
# 18 blocks): three quarters of the channels of its blocks are seen through Fourier transforms.
LAMA_LOCAL, LAMA_GLOBAL, LAMA_BLOCKS = 128, 384, 18
LAMA_DOWN = ((4, 64, 7, 1), (64, 128, 3, 2), (128, 256, 3, 4), (256, 512, 3, 8))
LAMA_UP = ((512, 256, 3, 8), (256, 128, 3, 4), (128, 64, 3, 2), (64, 3, 7, 1))


def list_lama_layers() -> list[tuple[int, int, int, float]]:
    """Channels in and out, kernel, and the share of the image's pixels where it is computed."""
    ends = [(a, b, kernel, 1 / step**2) for a, b, kernel, step in (*LAMA_DOWN, *LAMA_UP)]
    local, far = LAMA_LOCAL, LAMA_GLOBAL
    half = far // 2  # channels between both ends of a spectral transform
    block = [(local, local, 3, 1 / 64), (local, far, 3, 1 / 64), (far, local, 3, 1 / 64)]
    block += [(far, half, 1, 1 / 64), (half, far, 1, 1 / 64)]
    block += [(2 * half, 2 * half, 1, 1 / 128)]  # on half of the spectrum: the rest mirrors it
    return ends + 2 * LAMA_BLOCKS * block


def count_lama(pixels: float) -> Net:
    """One part of so many pixels; transforms themselves are not counted (under 1 %)."""
    layers = list_lama_layers()
    parameters = sum(a * b * kernel**2 for a, b, kernel, _ in layers)
    operations = sum(2 * a * b * kernel**2 * share * pixels for a, b, kernel, share in layers)
    values = sum((a + b) * share * pixels for a, b, _, share in layers)
    peak = 3 * 64 * pixels  # input, result and copy of the widest layer at the image's own size
    return Net(parameters, Work(operations, 4 * values, 4 * peak))  # float32
