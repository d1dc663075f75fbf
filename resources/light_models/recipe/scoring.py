"""How well images say what they show: by the small CLIP, by an untrained twin, by their colors."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from resources.light_models.recipe.captions import write_prompts
from resources.light_models.recipe.data import Cast, crop_person
from resources.light_models.recipe.words import UNSEEN, Words

Embed = Callable[[Sequence[np.ndarray]], np.ndarray]
Texts = Callable[[Sequence[str]], np.ndarray]
BINS = 8  # of a histogram, per channel
GALLERY = 200  # characters among whom one is looked for
DRAWS = 5  # galleries that a recall is averaged over
CONTEXT = 0.1  # around the box of a character, as a share of it
ROUNDS = 12  # wordings that a prompt is averaged over


def embed_prompts(words: Words, column: int, texts: Texts) -> tuple[np.ndarray, list[int]]:
    """A vector for each value of an attribute that has words: (values, D) of length 1, and codes.

    Averaged over wordings and templates: one wording alone leans to one side.
    """
    rounds = [write_prompts(words, column, np.random.default_rng(n)) for n in range(ROUNDS)]
    codes = rounds[0][1]
    vectors = np.mean([texts(found) for found, _ in rounds], axis=0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), codes


def score_attribute(vectors: np.ndarray, prompts: np.ndarray, codes: list[int]) -> np.ndarray:
    """The code (N,) of the value whose prompt is nearest to each image."""
    return np.array(codes)[(vectors @ prompts.T).argmax(1)]


def keep_asked(wanted: np.ndarray, asked: list[int]) -> np.ndarray:
    """Codes (N,) as they are, UNSEEN where a value has no words and no answer could be right."""
    return np.where(np.isin(wanted, asked), wanted, UNSEEN)


def measure_accuracy(found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Share right, and mean share over the values, of images that show the attribute.

    `majority` is what a guess of the commonest value would score.
    """
    seen = wanted != UNSEEN
    if not seen.any():
        return {"images": 0, "accuracy": np.nan, "balanced": np.nan, "majority": np.nan}
    right, values = found[seen] == wanted[seen], wanted[seen]
    shares = [right[values == value].mean() for value in np.unique(values)]
    return {
        "images": int(seen.sum()),
        "accuracy": float(right.mean()),
        "balanced": float(np.mean(shares)),
        "majority": float(np.bincount(values).max() / len(values)),
    }


def describe_colors(images: Sequence[np.ndarray]) -> np.ndarray:
    """Histograms (N, 512) of RGB, of length 1, as square roots: no color outweighs the rest."""
    rows = []
    for image in images:
        counts = cv2.calcHist([image], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
        rows.append(np.sqrt(counts.ravel() / counts.sum()))
    return np.array(rows, np.float32)


def nearest_centroids(known: np.ndarray, codes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The code whose mean vector among `known` is nearest to each row of `asked`."""
    values = np.unique(codes[codes != UNSEEN])
    if not len(values):
        return np.full(len(asked), UNSEEN)
    centers = np.stack([known[codes == value].mean(0) for value in values])
    distances = ((asked[:, None] - centers[None]) ** 2).sum(2)
    return values[distances.argmin(1)]


def crop_people(cast: Cast, chosen: np.ndarray) -> list[np.ndarray]:
    """The first person of each image, with a little of what is around."""
    boxes = cast.table["box"]
    return [crop_person(cast.images[n], boxes.iat[n], CONTEXT) for n in chosen]


def measure_retrieval(
    vectors: np.ndarray, people: np.ndarray, rng: np.random.Generator
) -> tuple[float, int]:
    """R@1: how often the nearest of one image per character is of the right one; and of how many.

    Each character of a gallery lends one image to it and another one as the question.
    """
    names, counts = np.unique(people, return_counts=True)
    names = names[counts >= 2]
    if len(names) < 2:
        return float("nan"), len(names)
    hits = []
    for _ in range(DRAWS):
        some = rng.choice(names, min(GALLERY, len(names)), replace=False)
        pairs = [rng.choice(np.flatnonzero(people == name), 2, replace=False) for name in some]
        kept, asked = np.array(pairs).T
        hits.append((vectors[asked] @ vectors[kept].T).argmax(1) == np.arange(len(some)))
    return float(np.mean(hits)), len(some)
