"""File names of dataset images: kind, the measured facts, a number; safe everywhere."""

import unicodedata

import pandas as pd

from workflow_scripts.lib.kinds import Kind

FACTS = ["character", "action", "view", "shot_type", "emotion", "intensity"]
FACTS += ["location", "time_of_day", "weather"]


def name_images(kind: Kind, rows: pd.DataFrame, words: dict, style: str) -> pd.Series:
    """Name every candidate; so the name of an image does not depend on which others are chosen."""
    turns = rows.groupby("shot_id").cumcount() + 1
    names = []
    for number, (row, turn) in enumerate(zip(rows.to_dict("records"), turns, strict=True), start=1):
        said = {fact: slug(words.get(fact, {}).get(row[fact], row[fact])) for fact in FACTS}
        said["character"] = slug(row["character"] or "someone")
        scene = f"scene{row['shot_id']:04d}"
        parts = {"number": f"{number:04d}", "turn": f"{turn:02d}", "scene": scene}
        names.append(kind.file_name.format(**said, **parts, style=slug(style)))
    return pd.Series(names, index=rows.index)


def slug(text: str) -> str:
    """A safe part of a file name: a-z, 0-9 and -; "unknown" when nothing of the text is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    letters = "".join(letter if letter.isalnum() else " " for letter in plain)
    return "-".join(letters.split())[:40] or "unknown"
