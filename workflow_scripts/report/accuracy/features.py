"""What eyes, mouth and brows of each face truly do, and figures about what was said of them.

The truth follows from the screenplay: the facial actions that draw its expressions open the mouth
(surprised), draw the corners up (happy) or lower the brows (angry), and all others leave the lips
closed; in the drawing that a person's `blink` names the eyes are closed. A word is right when it
is the true one; faces of which nothing is said count only for how many have a word.
"""

import pandas as pd

from workflow_scripts.report.accuracy.truth import Metric, Truth

PARTS = ("eyes", "mouth", "brows")
DRAWN = {  # expression -> mouth, brows; "": no word for what they do
    "neutral": ("closed", ""),
    "happy": ("smiling", ""),
    "sad": ("closed", ""),
    "angry": ("closed", "lowered"),
    "surprised": ("open", ""),
}


def find_true_features(truth: Truth) -> pd.DataFrame | None:
    """Columns frame_no, character and PARTS, a row per person and frame; None without shots."""
    play = truth.screenplay
    if not play.get("shots") or "drawings_per_second" not in play:
        return None
    held = play["fps"] // play["drawings_per_second"]
    rows = []
    for shot in play["shots"]:
        for who in shot["characters"]:
            if who["expression"] not in DRAWN:  # nobody knows how this film draws it
                continue
            mouth, brows = DRAWN[who["expression"]]
            for frame in range(shot["first_frame"], shot["first_frame"] + shot["frames"]):
                blinks = who.get("blink") == (frame - shot["first_frame"]) // held
                eyes = "closed" if blinks else "open"
                rows.append((frame, who["name"], eyes, mouth, brows))
    return pd.DataFrame(rows, columns=["frame_no", "character", *PARTS])


def measure_features(
    matched: pd.DataFrame, expressions: pd.DataFrame, truth: Truth
) -> dict[str, Metric]:
    """Per part: share of right words, and of faces with a true word that got one.

    `matched` are the true faces of faces.match_faces.
    """
    true = find_true_features(truth)
    if true is None or not set(PARTS) <= set(expressions):
        return {}
    said = matched.merge(
        expressions[["instance_id", *PARTS]], left_on="found_id", right_on="instance_id"
    )
    table = said.merge(true, on=["frame_no", "character"], suffixes=("", "_true"))
    metrics = {}
    for part in PARTS:
        named = table[table[part] != ""]
        sayable = table[table[f"{part}_true"] != ""]
        if len(named):
            right = named[part] == named[f"{part}_true"]
            metrics[f"{part}_correct"] = Metric(float(right.mean()), len(named), 0.95)
        if len(sayable):
            share = float((sayable[part] != "").mean())
            metrics[f"{part}_named"] = Metric(share, len(sayable))
    return metrics
