"""Which attributes an image shows: the rest is "unknown", however well the maker knows it.

Counts are pixels of the image by part, measured in the id buffer; limits are in pixels because what
can be told depends on them, whatever the size of the image.
"""

from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN = "unknown"
MIN_PX = {
    "eye_color": 4, "hair": 25, "hair_shape": 60, "face": 40, "features": 90, "skin": 30,
    "cloth": 40, "dress": 120, "glasses": 6, "hat": 15, "beard": 8, "scar": 4, "scar_face": 400,
    "lips": 4, "trinket": 5,
}  # fmt: skip
TRINKETS = {  # accessories and the part that shows them
    "scarf": "SCARF", "tie": "TIE", "backpack": "BACKPACK", "earrings": "EARRINGS",
    "necklace": "NECKLACE", "hair_bow": "HAIR_BOW",
}  # fmt: skip
BEHIND = ("bun", "ponytail", "braid")  # what hangs or sits behind the head
FACING = ("front", "three_quarter")


@dataclass(frozen=True)
class Seen:
    """What of a person an image shows."""

    pixels: Mapping[str, float]  # by name of the part
    joints: Mapping[str, bool]  # by COCO name: in the image and hidden by nothing
    view: str
    head_yaw: float  # degrees from the lens, unsigned
    crown: bool  # whether the top of the head is in the image
    shoulders: bool  # whether both shoulders are in the image

    def count(self, *parts: str) -> float:
        return sum(self.pixels.get(part, 0) for part in parts)

    def shows(self, limit: str, *parts: str) -> bool:
        return self.count(*parts) >= MIN_PX[limit]

    @property
    def face(self) -> float:
        """Pixels of the face, with what lies on it."""
        return self.count("FACE", "WRINKLES", "SCLERA", "IRIS", "LIPS", "BEARD", "SCAR")


def find_visible(words: Mapping[str, object], seen: Seen) -> dict[str, object]:
    """Every attribute of a person as the image shows it, or "unknown".

    words: the true values, as Person.words gives them.
    """
    shown = {**see_head(words, seen), **see_body(words, seen), **see_extras(words, seen)}
    visible = {name: words[name] if shown[name] else UNKNOWN for name in shown}
    visible["accessories"] = tuple(
        name
        for name in words["accessories"]
        if seen.shows("trinket", TRINKETS[name]) and (name != "scarf" or seen.count("SCARF") > 15)
    )
    return visible


def see_head(words: Mapping[str, object], seen: Seen) -> dict[str, bool]:
    face = seen.face >= MIN_PX["face"] and seen.head_yaw < 100
    bald, hat = words["hair_style"] == "bald", words["hat"] != "none"
    hair = seen.shows("hair", "HAIR")
    shape = bald or seen.shows("hair_shape", "HAIR")
    behind = words["hair_style"] in BEHIND and seen.head_yaw < 60
    style = seen.crown and shape and not behind and not (hat and (bald or behind))
    # from the front a tail of hair may be anything: then loose hair cannot be told from it either
    return {
        "age_band": seen.face >= MIN_PX["features"] and seen.head_yaw < 100,
        "gender": face and seen.face >= MIN_PX["features"],
        "skin_tone": seen.shows("skin", "FACE", "SKIN", "WRINKLES"),
        "eye_color": seen.shows("eye_color", "IRIS") and words["glasses"] != "sunglasses",
        "hair_color": hair and not bald,
        "hair_style": bool(style),
        "hair_length": bool(shape and seen.shoulders and seen.crown and not bald),
    }


def see_body(words: Mapping[str, object], seen: Seen) -> dict[str, bool]:
    joints = seen.joints
    arm = any(joints[f"{s}_elbow"] and joints[f"{s}_wrist"] for s in ("left", "right"))
    hips = joints["left_hip"] or joints["right_hip"]
    knees = joints["left_knee"] or joints["right_knee"]
    lower = ("BOTTOM", "TOP") if words["bottom"] == "robe" else ("BOTTOM",)
    top = seen.count("TOP", "SLEEVE", "TRIM")
    return {
        "body_type": top >= MIN_PX["dress"] and hips,
        "top_color": seen.shows("cloth", "TOP", "SLEEVE"),
        "sleeves": arm and top >= MIN_PX["cloth"],
        "bottom_color": seen.shows("cloth", *lower) and hips,
        "bottom": seen.shows("cloth", *lower) and knees,
        "dress_type": top >= MIN_PX["dress"] and seen.view in (*FACING, "side"),
    }


def see_extras(words: Mapping[str, object], seen: Seen) -> dict[str, bool]:
    facing = seen.head_yaw < 75 and seen.face >= MIN_PX["features"]
    parts = {
        "glasses": (("GLASSES", "LENS"), facing),
        "hat": (("HAT",), seen.crown),
        "beard": (("BEARD",), facing),
        "scar": (("SCAR",), facing and seen.face >= MIN_PX["scar_face"]),
    }
    # what is there must show; that nothing is there must be plain to see
    return {
        name: empty if words[name] == "none" else seen.shows(name, *names)
        for name, (names, empty) in parts.items()
    }


def see_expression(expression: str, seen: Seen) -> str:
    """The expression, where mouth and most of the face show."""
    plain = seen.shows("lips", "LIPS", "TEETH", "MOUTH") and seen.face >= MIN_PX["features"]
    return expression if plain and seen.head_yaw < 60 else UNKNOWN


def see_action(action: str, seen: Seen) -> str:
    """The action: legs tell it, a wave is told by the hand above its shoulder."""
    joints = seen.joints
    if action == "wave":
        return action if joints["right_wrist"] and joints["right_elbow"] else UNKNOWN
    knees = joints["left_knee"] or joints["right_knee"]
    ankles = joints["left_ankle"] or joints["right_ankle"]
    return action if knees and ankles else UNKNOWN
