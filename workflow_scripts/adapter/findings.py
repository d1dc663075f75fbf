"""What the scores of one adapter say of it, in plain sentences: what is wrong, right, or not shown.

A pure function of scores.parquet at full strength. No limit is chosen by hand: what counts as a
copy is measured on the film's own stills (metrics.find_limit), how far an unrelated prompt may move
on the base's own seeds, and everything else is an interval of 95 % that holds 0 or does not.
`benchmarks/judged_judges.py` plants each defect and counts how often it is found.
"""

import math
from typing import Any, NamedTuple

import pandas as pd
from scipy.stats import binom

from workflow_scripts.adapter.metrics import STILL_COPIES

WRONG, RIGHT, OPEN = "wrong", "right", "open"  # what was found
NEEDED = math.ceil(1 / STILL_COPIES) - 1  # stills, for a limit of copies
CHANCE = 0.05  # of calling an adapter a copier that copies no more than stills do
FEW_STILLS = "not measured: {n} stills resemble one of another shot, {needed} are needed."


class Finding(NamedTuple):
    """One question, what was found, and the sentence that says it."""

    question: str  # collapse, copies, subject, captions, strength
    found: str  # WRONG, RIGHT or OPEN
    sentence: str


class Scores:
    """The rows of one adapter at full strength, by score."""

    def __init__(self, scores: pd.DataFrame):
        own = scores[scores["adapter"].eq("own") & scores["strength"].gt(0)]
        away = (own["strength"] - 1).abs()
        self.rows = pd.concat([own[away == away.min()], scores[scores["adapter"].ne("own")]])

    def find(self, score: str, over: str = "", adapter: str = "own") -> Any | None:
        """A row, or None where the score is not there or has no value."""
        rows = self.rows[
            self.rows["score"].eq(score)
            & self.rows["over"].eq(over)
            & self.rows["adapter"].eq(adapter)
        ]
        return None if rows.empty or rows["value"].isna().any() else rows.iloc[0]

    @property
    def stills(self) -> int:
        """How many stills the limit of copies could be measured on."""
        rows = self.rows[self.rows["score"].eq("copy_limit")]
        return 0 if rows.empty else int(rows["n"].iloc[0])


def judge_adapter(scores: pd.DataFrame) -> list[Finding]:
    """All findings on an adapter; none where nothing was scored. `scores`: scores.parquet."""
    if scores.empty:
        return []
    known = Scores(scores)
    found = [find_collapse(known), find_copying(known), find_overdrive(known)]
    return [*found, *find_subject(known), *find_captions(known)]


def find_collapse(scores: Scores) -> Finding:
    """One image for everything: most pairs of different prompts are as near as copies."""
    own, base = (scores.find("same_image", adapter=who) for who in ("own", "base"))
    if own is None or base is None:
        words = FEW_STILLS.format(n=scores.stills, needed=NEEDED)
        if scores.stills >= NEEDED:
            words = "not measured: that takes two prompts."
        return Finding("collapse", OPEN, f"Whether it always draws one image is {words}")
    share = f"{own['value']:.0%} of the pairs drawn for two prompts are as near as copies"
    if own["value"] > 0.5 and own["value"] > base["value"]:
        return Finding("collapse", WRONG, f"Draws nearly one image: {share}.")
    return Finding("collapse", RIGHT, f"Draws different images for different prompts: {share}.")


def find_copying(scores: Scores) -> Finding:
    """Copies at more prompts than images would that are as near as the film's own stills.

    Of those STILL_COPIES count as copies; with s seeds a prompt has one with at most s times that
    chance, however alike its seeds are.
    """
    asked, drawn = scores.find("copied_prompts"), scores.find("copy_risk")
    if asked is None or drawn is None:
        words = FEW_STILLS.format(n=scores.stills, needed=NEEDED)
        return Finding("copies", OPEN, f"Whether it copies training images is {words}")
    prompts, seeds = int(asked["n"]), drawn["n"] / asked["n"]
    hits = round(asked["value"] * prompts)
    words = f"{hits} of {prompts} prompts drew one that is nearer to a training image"
    words += f" than {1 - STILL_COPIES:.0%} of the film's stills are to other shots"
    if binom.sf(hits - 1, prompts, min(1.0, seeds * STILL_COPIES)) < CHANCE:
        return Finding("copies", WRONG, f"Copies training images: {words}.")
    return Finding("copies", RIGHT, f"No copying is shown: {words}.")


def find_overdrive(scores: Scores) -> Finding:
    """Too strong: worse on held-out images than the base, or unrelated prompts are overrun.

    It is right where unrelated prompts are shown to draw what the base draws for them, rather than
    for other prompts.
    """
    loss, overrun = scores.find("heldout_loss", over="base"), scores.find("overrun")
    kept = scores.find("prompts_kept")
    wrong = []
    if loss is not None and loss["high"] < 0:
        wrong.append("it knows held-out images worse than the base does")
    if overrun is not None and overrun["low"] > 0:
        wrong.append("unrelated prompts change more than by another seed")
    if wrong:
        return Finding("strength", WRONG, f"Too strong at full strength: {', and '.join(wrong)}.")
    if any(one is None or pd.isna(one["low"]) for one in (overrun, kept)):
        words = "Whether it is too strong is not measured: that takes two seeds and two prompts."
        return Finding("strength", OPEN, words)
    if not kept["low"] > 0:
        words = "It is not shown that unrelated prompts still draw what they ask for."
        return Finding("strength", OPEN, words)
    words = "Unrelated prompts draw what they drew, within what another seed changes."
    return Finding("strength", RIGHT, words)


def find_subject(scores: Scores) -> list[Finding]:
    """Whether drawings are of its own subject, where the film has another one."""
    words = "Draws its own subject rather than the other adapter does"
    return _find_margin(scores, "subject", "retrieval", "other_subject", words)


def find_captions(scores: Scores) -> list[Finding]:
    """Whether it learned which words belong to which images, where there is such a control."""
    words = "Learned what its captions say, which shuffled captions do not teach"
    return _find_margin(scores, "captions", "heldout_loss", "shuffled_captions", words)


def _find_margin(scores: Scores, question: str, score: str, over: str, words: str) -> list[Finding]:
    row = scores.find(score, over=over)
    if row is None:
        return []
    if pd.isna(row["low"]):
        return [Finding(question, OPEN, f"{words}: too few shots or prompts to say.")]
    found = RIGHT if row["low"] > 0 else WRONG if row["high"] < 0 else OPEN
    answer = {RIGHT: "yes", WRONG: "no, less", OPEN: "not shown"}[found]
    ends = f"{row['value']:+.3g}, {row['low']:.3g} to {row['high']:.3g}"
    return [Finding(question, found, f"{words}: {answer} ({ends}).")]
