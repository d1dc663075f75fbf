"""What the phases leave below results/{film}/: one name for each table and folder, with its path.

Whoever reads or asks for a result names it as here. The schema of a table is declared by the phase
that writes it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One thing that a phase leaves; of those with {shard}, {dataset} or {round} there are several.

    {variant} is empty but for adapters that are trained in another way, to be compared with.
    """

    name: str
    module: str  # of the phase that writes it, without the package
    file: str  # in the phase's folder
    schema: str = ""  # constant of the module; "": a folder, or a file that is no table
    key: str = ""  # first column of a table
    folder: str | None = None  # below results/{film}/, where it is not called after the phase
    is_declared: bool = True  # False: it lies inside a folder that the rule declares

    @property
    def phase(self) -> str:
        return self.module.rpartition(".")[2]

    @property
    def path(self) -> str:
        """Path below results/{film}/."""
        return f"{self.phase if self.folder is None else self.folder}/{self.file}".lstrip("/")

    def pattern_of(self, dataset: str = "*") -> str:
        """A glob that fits every shard, of one dataset or of all."""
        path = self.path.replace("{shard}", "*of*").replace("{dataset}", dataset)
        for each in ("{film}", "{round}", "{number}"):
            path = path.replace(each, "*")
        return path.replace("{variant}", "")


_RESULTS = (  # in the order in which phases run
    Result("frames", "film.extract_frames", "frames.parquet", "FRAMES", "frame_id"),
    Result("shots", "film.extract_frames", "shots.parquet", "SHOTS", "shot_id"),
    Result("problems", "film.extract_frames", "problems.parquet", "PROBLEMS", "time_s"),
    Result("images", "film.extract_frames", "images"),
    Result("sizes", "dataset.check_sizes", "sizes.parquet", "SIZES", "side"),
    Result("groups", "film.dedup_frames", "groups.parquet", "GROUPS", "frame_id"),
    Result("readings", "film.read_text", "readings.parquet", "READINGS", "reading_id"),
    Result("followed", "film.read_text", "followed.parquet", "FOLLOWED", "reading_id"),
    Result("grays", "film.read_text", "grays.parquet", "GRAYS", "frame_id"),
    Result("texts", "film.select_text", "text.parquet", "TEXT", "text_id"),
    Result("decisions", "film.filter_frames", "decisions.parquet", "DECISIONS", "frame_id"),
    Result("instances", "film.segment_instances", "{shard}.parquet", "INSTANCES", "instance_id"),
    Result("backgrounds", "film.inpaint_backgrounds", "{shard}.parquet", "BACKGROUNDS", "frame_id"),
    Result("plates", "film.inpaint_backgrounds", "{shard}_images"),
    Result("embeddings", "film.embed_images", "{shard}.parquet", "EMBEDDINGS", "image_id"),
    Result(
        "references", "film.embed_references", "references.parquet", "REFERENCES", "reference_id"
    ),
    Result(
        "identities", "film.identify_characters", "identities.parquet", "IDENTITIES", "instance_id"
    ),
    Result("locations", "film.cluster_scenes", "locations.parquet", "LOCATIONS", "frame_id"),
    Result("keypoints", "film.estimate_poses", "{shard}.parquet", "POSES", "instance_id"),
    Result("poses", "film.classify_poses", "poses.parquet", "LABELS", "instance_id"),
    Result("faces", "film.crop_faces", "{shard}.parquet", "FACES", "instance_id"),
    Result("face_images", "film.crop_faces", "{shard}_images"),
    Result(
        "expression_scores", "film.score_expressions", "{shard}.parquet", "SCORES", "instance_id"
    ),
    Result(
        "expressions",
        "film.classify_expressions",
        "expressions.parquet",
        "EXPRESSIONS",
        "instance_id",
    ),
    Result("lighting_measures", "film.measure_lighting", "{shard}.parquet", "MEASURES", "frame_id"),
    Result("lighting", "film.classify_lighting", "lighting.parquet", "LIGHTING", "frame_id"),
    Result("selection", "dataset.select_images", "{dataset}.parquet", "SELECTION", "image_id"),
    Result(
        "descriptions",
        "dataset.describe_images",
        "descriptions.parquet",
        "DESCRIPTIONS",
        "image_id",
    ),
    Result("captions", "dataset.write_captions", "{dataset}.parquet", "CAPTIONS", "image_id"),
    Result("dataset", "dataset.pack_dataset", "{dataset}", folder="datasets"),
    Result(
        "packed",
        "dataset.pack_dataset",
        "{dataset}/dataset.parquet",
        "DATASET",
        "image_id",
        folder="datasets",
        is_declared=False,
    ),
    Result(
        "counts",
        "dataset.pack_dataset",
        "{dataset}/counts.json",
        folder="datasets",
        is_declared=False,
    ),
    Result("balance", "dataset.analyze_dataset", "{dataset}.parquet", "BALANCE", "image_id"),
    Result("shares", "dataset.analyze_dataset", "{dataset}.json"),
    Result("class_images", "adapter.draw_class_images", "{dataset}"),
    Result(
        "adapter",
        "adapter.train_adapter",
        "{dataset}{variant}/{film}-{dataset}{variant}.safetensors",
        folder="adapters",
    ),
    Result(
        "peft",
        "adapter.train_adapter",
        "{dataset}{variant}/{film}-{dataset}{variant}.peft.safetensors",
        folder="adapters",
    ),
    Result(
        "card",
        "adapter.train_adapter",
        "{dataset}{variant}/{film}-{dataset}{variant}.json",
        folder="adapters",
    ),
    Result(
        "settings", "adapter.train_adapter", "{dataset}{variant}/settings.yaml", folder="adapters"
    ),
    Result(
        "metrics",
        "adapter.train_adapter",
        "{dataset}{variant}/metrics.parquet",
        "METRICS",
        "step",
        folder="adapters",
    ),
    Result("kept", "adapter.train_adapter", "{dataset}{variant}/kept", folder="adapters"),
    Result(
        "scores",
        "adapter.evaluate_adapter",
        "{dataset}{variant}/scores.parquet",
        "SCORES",
        "score",
    ),
    Result(
        "score_values",
        "adapter.evaluate_adapter",
        "{dataset}{variant}/values.parquet",
        "VALUES",
        "score",
    ),
    Result(
        "drawings",
        "adapter.evaluate_adapter",
        "{dataset}{variant}/drawings.parquet",
        "DRAWINGS",
        "file",
    ),
    Result("drawn_images", "adapter.evaluate_adapter", "{dataset}{variant}/images"),
    Result("grid", "adapter.evaluate_adapter", "{dataset}{variant}/grid.png"),
    Result(
        "preview",
        "adapter.evaluate_adapter",
        "{dataset}{variant}/{film}-{dataset}{variant}.preview.png",
        folder="adapters",
    ),
    Result("how_measured", "adapter.evaluate_adapter", "{dataset}{variant}/settings.yaml"),
    Result(
        "suite_drawings",
        "adapter.draw_suite",
        "{dataset}/drawings.parquet",
        "DRAWINGS",
        "drawing_id",
    ),
    Result("suite_images", "adapter.draw_suite", "{dataset}/images"),
    Result(
        "suite_people", "adapter.measure_suite", "{dataset}/people.parquet", "PEOPLE", "instance_id"
    ),
    Result(
        "suite_measures",
        "adapter.measure_suite",
        "{dataset}/measures.parquet",
        "IMAGES",
        "drawing_id",
    ),
    Result("suite_scores", "adapter.score_suite", "{dataset}/scores.parquet", "SCORES", "scenario"),
    Result("suite_shown", "adapter.score_suite", "{dataset}/shown.parquet", "SHOWN", "drawing_id"),
    Result("suite_sheets", "adapter.score_suite", "{dataset}/sheets"),
    Result("composition", "adapter.compose_adapters", "scores.parquet", "SCORES", "attribute"),
    Result("composed_layers", "adapter.compose_adapters", "layers.parquet", "LAYERS", "layer"),
    Result("composed_grid", "adapter.compose_adapters", "grid.png"),
    Result("how_composed", "adapter.compose_adapters", "settings.yaml"),
    Result("trials", "adapter.search_adapter", "{dataset}/round_{round}/trial_{number}.yaml"),
    Result(
        "front",
        "adapter.rank_trials",
        "{dataset}/front.parquet",
        "FRONT",
        "trial",
        folder="search_adapter",
    ),
    Result("best", "adapter.rank_trials", "{dataset}/best.yaml", folder="search_adapter"),
    Result("chart", "adapter.rank_trials", "{dataset}/front.svg", folder="search_adapter"),
    Result("accuracy", "report.measure_accuracy", "accuracy.json", folder=""),
    Result("comparison", "report.compare_adapters", "index.html", folder="comparison"),
    Result("page", "report.build_report", "index.html", folder="report"),
    Result("funnel", "report.build_report", "funnel.svg", folder="report"),
    Result("timeline", "report.build_report", "timeline.svg", folder="report"),
    Result("progress", "report.build_report", "progress.json", folder=""),
)
RESULTS: dict[str, Result] = {result.name: result for result in _RESULTS}
PHASES = tuple(dict.fromkeys(result.phase for result in _RESULTS))


def list_names(phases: Collection[str]) -> list[str]:
    """Names of what these phases declare, in running order."""
    return [r.name for r in RESULTS.values() if r.phase in phases and r.is_declared]


def locate(
    name: str,
    folder: str | Path,
    shards: Sequence[str] = (),
    dataset: str = "",
    variant: str = "",
) -> list[str]:
    """Paths of a result below the film's folder: one, or one per shard."""
    path = RESULTS[name].path.replace("{dataset}", dataset).replace("{variant}", variant)
    path = path.replace("{film}", Path(folder).name)
    paths = [path.replace("{shard}", shard) for shard in shards] if "{shard}" in path else [path]
    return [f"{folder}/{path}" for path in paths]


def find(name: str, folder: str | Path) -> list[Path]:
    """Paths of a result that are there, every shard and every dataset, in order of their names."""
    return sorted(Path(folder).glob(RESULTS[name].pattern_of()))
