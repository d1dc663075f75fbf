"""Small holes in SAM 2's masks are no holes: they are filled before the masks are enlarged."""

import torch

# Pixels of the small mask: fill_hole_area of sam2/build_sam.py, filled by fill_holes_in_mask_scores
# of sam2/utils/misc.py (facebookresearch/sam2)
MAX_HOLE_PX = 8
FILLED = 0.1  # logit


def fill_holes(logits: torch.Tensor) -> torch.Tensor:
    """Logits (N, h, w) of small masks, patches of background of at most 8 px filled.

    Patches touch at corners too. Nothing leaves the device.
    """
    background = logits <= 0
    labels = spread_labels(background, MAX_HOLE_PX - 1)
    names = logits[0].numel() + 1  # of patches of one mask; 0 is what is not background
    patches = (labels + names * count_up(len(logits), labels)[:, None, None]).flatten()
    # a patch of 8 pixels has one label by now; where two labels meet, both are a larger one's
    moving = (labels != spread_once(labels, background)).int()
    moving = spread_once(moving, background).flatten().bool()
    pixels = torch.zeros(len(logits) * names, dtype=torch.int32, device=logits.device)
    pixels.index_add_(0, patches, torch.where(moving, MAX_HOLE_PX + 1, 1).int())
    is_small = (pixels[patches] <= MAX_HOLE_PX).view_as(background)
    return logits.masked_fill(background & is_small, FILLED)


def spread_labels(background: torch.Tensor, steps: int) -> torch.Tensor:
    """Labels (N, h, w) int32: the largest place of the background within so many steps, or 0."""
    places = count_up(background[0].numel(), background).view(background.shape[1:]) + 1
    labels = places * background
    for _ in range(steps):
        labels = spread_once(labels, background)
    return labels


def spread_once(labels: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
    """Each pixel of the background takes the largest label of itself and its eight neighbors."""
    padded = torch.nn.functional.pad(labels, (1, 1, 1, 1))
    rows = torch.maximum(torch.maximum(padded[:, :-2], padded[:, 2:]), padded[:, 1:-1])
    wide = torch.maximum(torch.maximum(rows[..., :-2], rows[..., 2:]), rows[..., 1:-1])
    return wide * background


def count_up(number: int, like: torch.Tensor) -> torch.Tensor:
    return torch.arange(number, dtype=torch.int32, device=like.device)
