"""SAM 2's small logits become masks of the image's size, on the device; bits come to the host."""

import numpy as np
import torch

NOBODY = -1
Span = tuple[int, int]  # of rows or columns, end excluded


@torch.inference_mode()
def assign_pixels(
    logits: torch.Tensor, height: int, width: int, within: np.ndarray | None = None
) -> torch.Tensor:
    """Masks (N, H, W) bool: a pixel is the surest one's, if that one's logit there is above 0.

    `logits` (N, h, w) float32 are enlarged bilinearly. Nobody has a pixel whose center is outside
    of their box in `within` (N, 4). Only what can be somebody's is enlarged: at 4K a person's
    logits take 33 MB.
    """
    surest = logits.new_zeros(height, width)
    owners = torch.full((height, width), NOBODY, dtype=torch.int16, device=logits.device)
    parts = find_parts(logits, (height, width), within)
    for number, (rows, columns) in enumerate(parts):
        part = enlarge(logits[number], (height, width), rows, columns)
        best = surest[slice(*rows), slice(*columns)]
        owners[slice(*rows), slice(*columns)].masked_fill_(part > best, number)
        torch.maximum(best, part, out=best)
    masks = torch.zeros(len(logits), height, width, dtype=torch.bool, device=logits.device)
    for number, (rows, columns) in enumerate(parts):
        place = slice(*rows), slice(*columns)
        masks[number][place] = owners[place] == number
    return masks


def find_parts(
    logits: torch.Tensor, size: tuple[int, int], within: np.ndarray | None
) -> list[tuple[Span, Span]]:
    """Rows and columns of an image of this size that hold all pixels of each one."""
    masks, spans = logits > 0, []
    cells = find_cells(masks)
    for axis, (first, end) in enumerate(cells):
        scale = size[axis] / masks.shape[1 + axis]
        # a pixel is drawn from the two cells around it: it may lie a cell outside of the mask
        start, stop = (first - 0.5) * scale - 1, (end + 0.5) * scale + 1
        if within is not None:
            low, high = within.T[1 - axis :: 2].astype(np.float64)
            start, stop = np.maximum(start, low - 0.5), np.minimum(stop, high + 0.5)
        starts = np.ceil(start).clip(0, size[axis]).astype(int)
        stops = np.floor(stop).clip(starts, size[axis]).astype(int)
        spans.append(zip(starts.tolist(), stops.tolist(), strict=True))
    return list(zip(*spans, strict=True))


def find_cells(masks: torch.Tensor) -> np.ndarray:
    """First and end of the rows, then of the columns, of masks (N, h, w): (2, 2, N)."""
    found = []
    for seen in (masks.any(2), masks.any(1)):
        places = torch.arange(seen.shape[1], dtype=torch.int32, device=masks.device)
        first = torch.where(seen, places, seen.shape[1]).amin(1)
        found.append(torch.stack([first, torch.where(seen, places + 1, 0).amax(1)]))
    return torch.stack(found).cpu().numpy()  # the only wait for the device


def enlarge(logits: torch.Tensor, size: tuple[int, int], rows: Span, columns: Span) -> torch.Tensor:
    """A part (rows, columns) of logits (h, w) enlarged to `size`, as cv2.resize does it: bilinear.

    Columns first, as rows of the transposed: whole rows are gathered many times as fast.
    """
    across = blend_rows(logits.T.contiguous(), size[1], columns)
    return blend_rows(across.T.contiguous(), size[0], rows)


def blend_rows(values: torch.Tensor, size: int, span: Span) -> torch.Tensor:
    """Rows `span` of values (h, w) stretched to `size` rows, each drawn from the nearest two."""
    last = len(values) - 1
    places = torch.arange(*span, dtype=torch.float32, device=values.device)
    places = ((places + 0.5) * (len(values) / size) - 0.5).clamp(0, last)
    above = places.long()
    share = (places - above)[:, None]
    below = (above + 1).clamp(max=last)
    return values[above] * (1 - share) + values[below] * share


def copy_bits(masks: torch.Tensor) -> np.ndarray:
    """Masks (N, H, W) on the host, as np.packbits(masks, axis=2) has them."""
    if masks.device.type == "cpu":
        return np.packbits(masks.numpy(), axis=2)
    return pack_bits(masks).cpu().numpy()


def pack_bits(masks: torch.Tensor) -> torch.Tensor:
    """Masks (N, H, W), eight columns a byte, the first in the highest bit: uint8 (N, H, W / 8)."""
    padded = torch.nn.functional.pad(masks, (0, -masks.shape[2] % 8))
    weights = 2 ** torch.arange(7, -1, -1, dtype=torch.uint8, device=masks.device)
    return (padded.unflatten(2, (-1, 8)) * weights).sum(3, dtype=torch.uint8)


def unpack_bits(bits: np.ndarray, width: int) -> np.ndarray:
    """Masks (N, H, W) bool of packed ones."""
    return np.unpackbits(bits, axis=2, count=width).view(bool)


def bits_box(bits: np.ndarray) -> tuple[int, int, int, int]:
    """Bounding box x0, y0, x1, y1 (end excluded) of a packed mask (H, W / 8) with any pixel."""
    rows = np.flatnonzero(bits.any(1))
    columns = np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(bits, axis=0)))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
