"""The kinds of datasets: what an image of each shows, is called, is chosen by and balanced over.

A new kind is one entry here, its words in resources/vocabularies/captions.yaml, and its instruction
in resources/prompts/captions.yaml. A kind names no more tables than it uses: correcting an
expression repeats nothing of the backgrounds.
"""

from dataclasses import dataclass

from workflow_scripts.lib.errors import CineloraError

FRAMES = (
    "extract_frames",
    "check_sizes",
    "dedup_frames",
    "read_text",
    "select_text",
    "filter_frames",
)
LIGHTING = ("measure_lighting", "classify_lighting")
PLACES = ("inpaint_backgrounds", "embed_images", "cluster_scenes", *LIGHTING)
WHO = ("segment_instances", "embed_images", "embed_references", "identify_characters")
POSES = ("estimate_poses", "classify_poses")
FACES = ("crop_faces", "score_expressions", "classify_expressions")

LIGHT = ("locations", "lighting")
PEOPLE = ("instances", "identities")
BODIES = ("instances", "keypoints", "poses")
SHOT_TYPES = ("close-up", "medium", "full", "wide")
BUSY = ("multi_character", "complex_background")


@dataclass(frozen=True)
class Kind:
    """One kind of dataset; tables are named as in lib.tables, facts as in dataset.facts."""

    name: str
    shows: str  # what one image is: "frame", "plate" (a clean one), "body" or "face"
    class_word: str  # what its trigger is one of; "" where each character has its own
    trigger: str  # what calls it where nobody chose a word; {film} is the film's name
    category: str  # fact that it is balanced over; "lighting": time of day, weather and indoor
    file_name: str  # pattern; {scene}: number of the shot, {turn}: of the image in it, {number}
    phases: tuple[str, ...]  # that prepare it, in any order
    words: tuple[str, ...]  # fact tables that captions speak of
    chosen_by: tuple[str, ...]  # tables that decide which images are chosen: facts, embeddings
    measured_by: tuple[str, ...]  # tables that balance is measured with
    judged: tuple[str, ...]  # measures of the balance whose recommended ranges apply
    score: str = ""  # fact that must reach select_images.min_score; "": none
    is_probability: bool = False  # the score is the chance that the category is true
    expected: tuple[str, ...] = ()  # categories that a complete dataset has
    masks: str = ""  # table that masks come from; "": images without masks

    @property
    def is_of_frames(self) -> bool:
        """Whether an image is a whole frame; else it is cut out around one instance."""
        return self.shows in ("frame", "plate")

    @property
    def key(self) -> str:
        """The id that its images bear."""
        return "frame_id" if self.is_of_frames else "instance_id"


_KINDS = (
    Kind(
        name="character",
        shows="body",
        class_word="",
        trigger="",
        category="shot_type",
        expected=SHOT_TYPES,
        score="identity_score",
        masks="instances",
        file_name="{character}_{shot_type}_{view}_{number}",
        phases=(*FRAMES, *WHO, *POSES, *FACES, *PLACES),
        words=(*PEOPLE, "poses", "expressions", *LIGHT),
        chosen_by=(*PEOPLE, "poses", *LIGHT, "keypoints", "embeddings"),
        measured_by=BODIES,
        judged=(*SHOT_TYPES, "multi_character", "occluded", "complex_background"),
    ),
    Kind(
        name="background",
        shows="plate",
        class_word="background",
        trigger="{film} background",
        category="location",
        masks="backgrounds",
        file_name="bg_{scene}_{location}_{time_of_day}_{turn}",
        phases=(*FRAMES, "segment_instances", *PLACES),
        words=("backgrounds", *LIGHT),
        chosen_by=("backgrounds", *LIGHT, "embeddings"),
        measured_by=(),
        judged=("complex_background",),
    ),
    Kind(
        name="pose",
        shows="body",
        class_word="person",
        trigger="{film} pose",
        category="action",
        expected=("stand", "walk", "run", "sit", "wave"),
        score="pose_score",
        is_probability=True,
        masks="instances",
        file_name="pose_{character}_{action}_{view}_{number}",
        phases=(*FRAMES, *WHO, *POSES),
        words=(*PEOPLE, "poses", "keypoints"),
        chosen_by=(*PEOPLE, "poses", "keypoints", "embeddings"),
        measured_by=BODIES,
        judged=("multi_character", "occluded", "complex_background"),
    ),
    Kind(
        name="expression",
        shows="face",
        class_word="face",
        trigger="{film} expression",
        category="emotion",
        expected=("neutral", "happy", "sad", "angry", "surprised"),
        score="emotion_score",
        is_probability=True,
        masks="instances",
        file_name="expr_{character}_{emotion}_{intensity}_{number}",
        phases=(*FRAMES, *WHO, *POSES, *FACES),
        words=(*PEOPLE, "poses", "faces", "expressions"),
        chosen_by=(*PEOPLE, "poses", "faces", "expressions", "embeddings"),
        measured_by=BODIES,
        judged=("occluded", "complex_background"),
    ),
    Kind(
        name="style",
        shows="frame",
        class_word="style",
        trigger="{film} style",
        category="location",
        file_name="style_{style}_{scene}_{turn}",
        phases=(*FRAMES, *WHO, *PLACES),
        words=(*PEOPLE, *LIGHT),
        chosen_by=(*LIGHT, "embeddings"),
        measured_by=("instances",),
        judged=BUSY,
    ),
    Kind(
        name="lighting",
        shows="frame",
        class_word="lighting",
        trigger="{film} lighting",
        category="lighting",
        score="lighting_score",
        file_name="light_{weather}_{time_of_day}_{number}",
        phases=(*FRAMES, *WHO, *PLACES),
        words=(*PEOPLE, *LIGHT),
        chosen_by=(*LIGHT, "embeddings"),
        measured_by=("instances",),
        judged=BUSY,
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}


def split_name(dataset: str) -> tuple[Kind, str]:
    """Kind and character of a dataset: "character-nella" is of nella, "pose" of nobody."""
    name, _, character = dataset.partition("-")
    if name not in KINDS:
        raise CineloraError(
            f"{dataset!r} is no dataset: it must begin with one of {', '.join(KINDS)}."
        )
    return KINDS[name], character
