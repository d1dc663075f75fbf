"""Captions of an image from the row of its truth, in varied wording; only what shows is said.

A pure function of the row and the rng: sentences or lists, parts in any order, some left out, words
exchanged for others that mean the same, now and then what is plainly not there.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cast import caption_words as w

UNKNOWN = "unknown"
STRONG = 1.45  # intensity from which an emotion is called strong
SUBTLE = 0.7
SENTENCES = 0.6  # share of captions that are sentences, the rest are lists
MAX_PARTS = 9  # besides the subject: CLIP reads 77 tokens
KEEP = {  # how often a part is said, where it shows
    "hair": 0.75, "eyes": 0.45, "skin": 0.3, "body": 0.3, "top": 0.7, "bottom": 0.5, "sleeves": 0.2,
    "glasses": 0.8, "hat": 0.8, "beard": 0.8, "scar": 0.8, "accessories": 0.6, "emotion": 0.6,
    "features": 0.15, "action": 0.6, "posture": 0.12, "view": 0.45, "shot_type": 0.55,
    "place": 0.75, "indoor": 0.15, "time_of_day": 0.6, "weather": 0.5, "light": 0.12, "style": 0.1,
}  # fmt: skip
ABSENT_SHARE = 0.15  # of what is absent that is said to be


class Speaker:
    """Picks words: one of several wordings, a part or not."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def say(self, wordings: Mapping, value: object) -> str:
        """One wording of a value; "" where it has none."""
        options = wordings.get(value, ())
        return str(options[self.rng.integers(len(options))]) if options else ""

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def write_caption(row: Mapping, rng: np.random.Generator) -> str:
    """A caption of an image; `row` as stage.describe makes it."""
    speaker = Speaker(rng)
    person = row["people"][0]
    subject = name_subject(row["people"], speaker)
    parts = {**tell_looks(person["visible"], speaker), **tell_acting(person, speaker)}
    parts |= tell_setting(row, speaker)
    kept = [name for name, text in parts.items() if text and speaker.chance(KEEP[name])]
    kept = [kept[k] for k in sorted(rng.permutation(len(kept))[:MAX_PARTS])]
    said = {name: parts[name] for name in kept}
    write = write_sentence if speaker.chance(SENTENCES) else write_list
    return write(subject, said, rng)


def name_subject(people: Sequence[Mapping], speaker: Speaker) -> str:
    """Who is in the image, without an article; of several people the first is told about."""
    visible = people[0]["visible"]
    pair = (visible["age_band"], visible["gender"])
    name = speaker.say(w.SUBJECTS, pair) or speaker.say(w.AGES, visible["age_band"])
    if len(people) == 1 or speaker.chance(0.2):
        return name
    if speaker.chance(0.4):
        return f"{name} with {'another person' if len(people) == 2 else 'two other people'}"
    return f"{name}, {speaker.say(w.GROUPS, len(people))}"


def tell_hair(visible: Mapping, speaker: Speaker) -> str:
    """Length, color and style as far as they show; each may be left out."""
    style = visible["hair_style"]
    if style == "bald":
        return speaker.say(w.HAIR_STYLES, style)
    length = visible["hair_length"] if speaker.chance(0.7) else UNKNOWN
    color = visible["hair_color"] if speaker.chance(0.9) else UNKNOWN
    words = [word for word in (length, color) if word not in (UNKNOWN, "none")]
    if style != UNKNOWN and speaker.chance(0.65):
        styled = speaker.say(w.HAIR_STYLES, style)
        if not words:
            return styled
        # "curly hair" takes the other words in front, "a braid" stands beside them
        if styled.endswith(" hair") and speaker.chance(0.7):
            return " ".join([*words, styled])
        return f"{' '.join(words)} hair, {styled}"
    return f"{' '.join(words)} hair" if words else ""


def tell_looks(visible: Mapping, speaker: Speaker) -> dict[str, str]:
    """What a person is and wears, by part; "" where nothing of it shows."""
    looks = {
        "hair": tell_hair(visible, speaker),
        "eyes": "" if visible["eye_color"] == UNKNOWN else f"{visible['eye_color']} eyes",
        "skin": speaker.say(w.SKIN_TONES, visible["skin_tone"]),
        "body": speaker.say(w.BODY_TYPES, visible["body_type"]),
        **tell_clothes(visible, speaker),
        "accessories": " and ".join(
            speaker.say(w.ACCESSORIES, name) for name in visible["accessories"]
        ),
    }
    words = {"glasses": w.GLASSES, "hat": w.HATS, "beard": w.BEARDS, "scar": w.SCARS}
    for name, wordings in words.items():
        looks[name] = speaker.say(wordings, visible[name])
        # nobody remarks that a woman or a child has no beard
        plain = name != "beard" or visible["gender"] == "male"
        if visible[name] == "none" and plain and speaker.chance(ABSENT_SHARE):
            looks[name] = speaker.say(w.ABSENT, name)
    return looks


def tell_clothes(visible: Mapping, speaker: Speaker) -> dict[str, str]:
    top, bottom = visible["top_color"], visible["bottom_color"]
    dress = visible["dress_type"] if speaker.chance(0.75) else UNKNOWN
    robe = visible["bottom"] == "robe"
    lower = "" if bottom == UNKNOWN or robe else speaker.say(w.BOTTOMS, visible["bottom"])
    upper = "" if top == UNKNOWN else speaker.say(w.TOPS, dress)
    if robe and top != UNKNOWN and speaker.chance(0.4):
        upper = speaker.say(w.BOTTOMS, "robe")
    return {
        "top": fix_article(upper.format(top)),
        "bottom": fix_article(lower.format(bottom)),
        "sleeves": speaker.say(w.SLEEVES, visible["sleeves"]),
    }


def fix_article(text: str) -> str:
    """ "a orange shirt" becomes "an orange shirt"."""
    words = text.split(" ")
    return " ".join(
        "an" if word == "a" and after[:1] in "aeio" and after else word
        for word, after in zip(words, [*words[1:], ""], strict=True)
    )


def tell_acting(person: Mapping, speaker: Speaker) -> dict[str, str]:
    """Expression, action, posture, view."""
    expression, features = person["expression"], ""
    emotion = speaker.say(w.EXPRESSIONS, expression)
    if emotion and expression != "neutral" and speaker.chance(0.3):
        level = "high" if person["intensity"] >= STRONG else ""
        level = "low" if person["intensity"] < SUBTLE else level
        emotion = ", ".join(filter(None, [emotion, speaker.say(w.INTENSITIES, level)]))
    if emotion:
        eyes = person["visible"]["eye_color"] != UNKNOWN or person["blink"]
        features = speaker.say(w.FEATURES, expression)
        if person["blink"] or (eyes and speaker.chance(0.3)):
            features = speaker.say(w.EYES, person["blink"])
    return {
        "emotion": emotion,
        "features": features,
        "action": speaker.say(w.ACTIONS, person["action"]),
        "posture": ", ".join(speaker.say(w.POSTURES, name) for name in person["posture"]),
        "view": speaker.say(w.VIEWS, person["view"]),
    }


def tell_setting(row: Mapping, speaker: Speaker) -> dict[str, str]:
    """Framing, place, hour, weather, light, style."""
    times = w.TIMES_INDOORS if row["indoor"] == "indoor" else w.TIMES
    styles = [speaker.say(w.STYLES, name) for name in row["style"]]
    light = w.LIGHTS if speaker.chance(0.6) else w.WARMTHS
    return {
        "shot_type": speaker.say(w.SHOT_TYPES, row["shot_type"]),
        "place": speaker.say(w.PLACES, row["place"]) if row["place_shown"] else "",
        "indoor": speaker.say(w.INDOOR, row["indoor"]),
        "time_of_day": speaker.say(times, row["time_of_day"]),
        "weather": speaker.say(w.WEATHERS, row["weather"]),
        "light": speaker.say(light, row["light"] if light is w.LIGHTS else row["warmth"]),
        "style": ", ".join(styles),
    }


WITH = ("hair", "eyes", "skin", "beard", "scar")
WEARING = ("top", "bottom", "sleeves", "glasses", "hat", "accessories")


def write_sentence(subject: str, said: Mapping[str, str], rng: np.random.Generator) -> str:
    """ "A young woman with red hair wearing a blue top, walking, in a forest, at night"."""
    absent = [text for name, text in said.items() if text in w.ABSENT.get(name, ())]
    groups = [
        [said[name] for name in names if name in said and said[name] not in absent]
        for names in (WITH, WEARING)
    ]
    text = fix_article(f"a {subject}")
    for start, group in zip((" with ", " wearing "), groups, strict=True):
        order = rng.permutation(len(group))
        text += start + join_words([group[k] for k in order]) if group else ""
    rest = [name for name in said if name not in (*WITH, *WEARING)]
    tail = absent + [said[rest[k]] for k in rng.permutation(len(rest))]
    text = ", ".join([text, *tail])
    return text[0].upper() + text[1:] + ("." if rng.random() < 0.5 else "")


def write_list(subject: str, said: Mapping[str, str], rng: np.random.Generator) -> str:
    """ "young woman, red hair, forest, night": in order or shuffled, the subject mostly first."""
    parts = list(said.values())
    if rng.random() < 0.5:
        parts = [parts[k] for k in rng.permutation(len(parts))]
    at = 0 if rng.random() < 0.8 else int(rng.integers(len(parts) + 1))
    return ", ".join([*parts[:at], subject, *parts[at:]])


def join_words(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
