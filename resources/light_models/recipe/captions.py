"""Captions out of truth: varied in order, wording and length, with what each of them claims.

A caption says only what the image shows. What it claims comes with it, as codes: so it is known of
every image in a batch whether the caption is true of it, and two images that fit one caption are
not pushed apart.
"""

import re
from dataclasses import dataclass

import numpy as np

from resources.light_models.recipe.data import Cast
from resources.light_models.recipe.words import UNSEEN, Attribute, Words

SYLLABLES = re.findall("..", "badafigahojakalumonanoperarisotatuvowaze")
NAMED = 0.15  # share of captions that call a person by a name nobody has: words must survive it
STORED = 0.4  # share of captions that come with the cast
# wordings that do not stand after "with": "a man with bald" is no English
BESIDE = (
    "with",
    "in ",
    "no ",
    "wearing",
    "bald",
    "bareheaded",
    "clean",
    "bearded",
    "slim",
    "heavy",
    "muscular",
)
FULL = 0.6  # share of captions that say all they can; the others leave out more
THOROUGH = 0.5  # a thorough caption leaves nothing out that others name at least so often


@dataclass(frozen=True)
class Caption:
    """A text, and the codes (attributes,) that it claims; UNSEEN where it says nothing."""

    text: str
    claims: np.ndarray


def write_caption(
    words: Words, codes: np.ndarray, rng: np.random.Generator, *, thorough: bool = False
) -> Caption:
    """Describe one image by its codes (attributes,)."""
    share = 1.0 if rng.random() < FULL else rng.uniform(0.2, 0.8)
    claims = np.full(len(codes), UNSEEN, np.int16)
    subject, scene = [], []
    for position in rng.permutation(len(codes)):
        attribute, code = words.attributes[position], int(codes[position])
        if code == UNSEEN or not attribute.part:
            continue
        texts, said = attribute.phrases[attribute.values[code]], attribute.said * share
        needed = is_group(attribute, code) or (thorough and attribute.said >= THOROUGH)
        if not texts or rng.random() >= (1 if needed else said):
            continue
        if is_idle(words, codes, attribute, code):
            continue
        claims[position] = code
        if attribute.part != "noun":
            place = subject if attribute.part == "subject" else scene
            place.append(texts[rng.integers(len(texts))])
    return Caption(_join(_choose_noun(words, claims, rng), subject, scene, rng), claims)


def is_group(attribute: Attribute, code: int) -> bool:
    """Whether this says that there are several people, which no caption may keep quiet about."""
    return attribute.name == "people" and attribute.values[code] != "1"


def is_idle(words: Words, codes: np.ndarray, attribute: Attribute, code: int) -> bool:
    """Whether nobody would say it: that someone who is no man has no beard."""
    if attribute.name != "beard" or attribute.values[code] != "none":
        return False
    column = words.find("gender")
    gender = UNSEEN if column is None else int(codes[column])
    return gender == UNSEEN or words.attributes[column].values[gender] != "male"


def write_captions(
    words: Words, codes: np.ndarray, rng: np.random.Generator, thorough: np.ndarray | None = None
) -> tuple[list[str], np.ndarray]:
    """Texts and claims (N, attributes) for images with codes (N, attributes).

    `thorough` (N,) says which texts leave little out; else none.
    """
    full = np.zeros(len(codes), bool) if thorough is None else thorough
    captions = [
        write_caption(words, row, rng, thorough=bool(more))
        for row, more in zip(codes, full, strict=True)
    ]
    return [caption.text for caption in captions], np.stack([c.claims for c in captions])


def tell_images(
    cast: Cast,
    chosen: np.ndarray,
    rng: np.random.Generator,
    *,
    codes: np.ndarray | None = None,
    cropped: np.ndarray | None = None,
    thorough: float = 0.0,
) -> tuple[list[str], np.ndarray]:
    """Texts and claims (B, attributes) for some images of a cast.

    A share are the cast's own captions, in sentences. What those claim is not known, so they count
    as claiming all that the image shows: true of hardly another image. They are of whole images:
    where one is `cropped` (B,), only what its `codes` (B, attributes) say is told. A share of the
    texts is `thorough`.
    """
    codes = cast.codes[chosen] if codes is None else codes
    whole = np.ones(len(chosen), bool) if cropped is None else ~cropped
    full = rng.random(len(chosen)) < thorough
    texts, claims = write_captions(cast.words, codes, rng, full)
    for place, number in enumerate(chosen):
        stored = cast.table["captions"].iat[number]
        if whole[place] and not full[place] and len(stored) and rng.random() < STORED:
            texts[place] = stored[rng.integers(len(stored))]
            claims[place] = codes[place]
    return texts, claims


def _choose_noun(words: Words, claims: np.ndarray, rng: np.random.Generator) -> str:
    """The noun that says gender and age as far as both are claimed: age alone needs its own."""
    said = {}
    for name in ("gender", "age_band"):
        column = words.find(name)
        if column is not None and claims[column] != UNSEEN:
            said[name] = words.attributes[column].values[claims[column]]
    if "gender" not in said and "age_band" in said:
        column = words.attributes[words.column("age_band")]
        choices = list(column.phrases[said["age_band"]])
    else:
        choices = words.subjects[said.get("gender", "_")][said.get("age_band", "_")]
    noun = choices[rng.integers(len(choices))]
    if rng.random() < NAMED and noun != "someone":  # "tazeja someone" is no English
        name = "".join(SYLLABLES[n] for n in rng.integers(len(SYLLABLES), size=rng.integers(2, 4)))
        noun = f"{name} {noun.removeprefix('a ').removeprefix('an ')}"
    return noun


def _join(noun: str, subject: list[str], scene: list[str], rng: np.random.Generator) -> str:
    """One of three shapes: with a "with", all separated by commas, or the scene first."""
    shape = rng.integers(3)
    subject = [fix_article(text) for text in subject]
    had = [text for text in subject if not stands_beside(text)]
    if shape == 0 and had:
        rest = [text for text in subject if stands_beside(text)]
        return ", ".join([f"{noun} with {', '.join(had)}", *rest, *scene])
    parts = [noun, *subject, *scene] if shape != 2 else [*scene, noun, *subject]
    return ", ".join(parts)


def stands_beside(text: str) -> bool:
    """Whether a wording does not fit after "with": "a man with red-haired" is no English."""
    return text.startswith(BESIDE) or text.endswith("-haired")


def fix_article(text: str) -> str:
    """ "a orange top" becomes "an orange top"."""
    return f"an {text[2:]}" if text[:3] in ("a a", "a e", "a i", "a o") else text


def write_prompts(
    words: Words, column: int, rng: np.random.Generator | None = None
) -> tuple[list[str], list[int]]:
    """A text for each value of one attribute that has words, and the values' codes.

    Without `rng` the texts are those that score images: the first wording, plain.
    """
    attribute = words.attributes[column]
    codes = attribute.asked
    texts = []
    for code in codes:
        wordings = words.list_askable(attribute, code)
        pick = 0 if rng is None else rng.integers(len(wordings))
        frame = "{}" if rng is None else words.templates[rng.integers(len(words.templates))]
        texts.append(frame.format(fix_article(wordings[pick])))
    return texts, codes
