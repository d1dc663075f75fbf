"""What the rules share: the checked config, lists of targets, model rows, inputs, resources.

What rules of adapters alone ask stands in common_adapter.smk.
"""

import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from workflow_scripts.film.people.roster import list_watched
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.registry import (
    choose_model,
    describes_images,
    gives_regions,
    list_roles,
    name_loader,
    read_registry,
    weight_files,
)
from workflow_scripts.plan.adapter_settings import choose_tier, resolve_controls
from workflow_scripts.plan.calibration import list_uncalibrated
from workflow_scripts.plan.config import list_datasets, list_files, load_config, read_own
from workflow_scripts.plan.controls import list_controls
from workflow_scripts.plan.folders import check_folders, quote_python
from workflow_scripts.plan.inputs import choose_limits, describe_inputs
from workflow_scripts.plan.resources import add_ram, count_readers, grow, grow_with_film
from workflow_scripts.plan.review_files import check_reviews, find_reviews, list_unread
from workflow_scripts.plan.search import check_search_targets, resolve_search
from workflow_scripts.plan.suites import find_suites
from workflow_scripts.plan.targets import (
    check_targets,
    list_described,
    list_empty,
    list_judged,
    list_phases,
    list_proofs,
    list_tables,
)
from workflow_scripts.plan.terminal import install, list_reports
from workflow_scripts.plan.variants import admit_trained, list_compared

# Not by `configfile:`, which reads from the working directory and as YAML 1.1. A wrong config stops
# here, before any job starts, with all its problems in one message.
try:
    check_folders([workflow.basedir, Path.cwd()])
    given = workflow.overwrite_configfiles, workflow.config_settings.config
    loaded, own = load_config(*given), read_own(*given)
except CineloraError as error:
    raise WorkflowError(str(error)) from None
sys.executable = quote_python(sys.executable)
config.clear()
config.update(loaded)
pages = list_files(workflow.overwrite_configfiles)
workflow.configfiles[:] = map(str, pages)  # what Snakemake's own report shows

FILMS = sorted(config["only"] or config["films"])
install(workflow.output_settings, FILMS)
DATASETS = {film: list_datasets(config, film) for film in FILMS}
try:  # targets of the command line: rules are read before Snakemake knows them
    check_targets(sys.argv[1:], DATASETS)
    check_search_targets(sys.argv[1:], config["adapter"]["search"])
    if workflow.is_main_process:  # its jobs need not say it again
        for line in list_unread(config["films"]) + check_reviews(
            {f: config["films"][f] for f in FILMS}
        ):
            logger.warning(line)
except CineloraError as error:
    raise WorkflowError(str(error)) from None
try:
    SUITES = find_suites(config["draw_suite"]["suites"])
except CineloraError as error:
    raise WorkflowError(str(error)) from None
SHARDS = [f"{n + 1:02d}of{config['shards']:02d}" for n in range(config["shards"])]
REGISTRY = read_registry(config["models"].get("table"))
MODELS = {role: choose_model(role, config["models"]) for role in list_roles()}
UNCALIBRATED = list_uncalibrated(config["models"], own)
BASE_TIER = choose_tier(MODELS["base"], config)
SEARCH = resolve_search(config, BASE_TIER)
SEEING = ("detect", "segment", "pose", "face", "expression", "face_mesh", "embed")  # drawings
LOADERS = {  # as hash_code names them
    role: name_loader(model) for role, model in MODELS.items() if "loader" in model
}
WEIGHTS = {role: weight_files(model) for role, model in MODELS.items()}
HAS_REGIONS = gives_regions(MODELS["segment"])
DESCRIBES = describes_images(MODELS["caption"])
CHARACTERS = {film: sorted(config["films"][film].get("characters") or {}) for film in FILMS}
ROSTERS = {film: config["films"][film].get("roster") or f"config/rosters/{film}" for film in FILMS}
TABLES = {  # everything that a film's preparation leaves, as far as its kinds need it
    film: list_tables(
        film, config["films"][film]["kinds"], DATASETS[film], SHARDS, DESCRIBES, HAS_REGIONS
    )
    for film in FILMS
}
COMPARED = list_compared(config["adapter"])  # which adapters of each dataset are judged
PROOFS = {  # what is known about its datasets, and the accuracy where the truth is known
    film: list_proofs(
        film,
        DATASETS[film],
        "truth" in config["films"][film],
        COMPARED,
        config["draw_suite"]["in_report"],
    )
    for film in FILMS
}
JUDGED = {film: list_judged(film, DATASETS[film], COMPARED) for film in FILMS}
CONTROLS = {  # beside which other adapters each adapter is judged
    film: list_controls(resolve_controls(config, BASE_TIER), DATASETS[film]) for film in FILMS
}


def any_of(names):
    """Constraint of a wildcard: one of these names."""
    return "|".join(map(re.escape, names))


def of_film(values):
    """An input or a param: what a table of the above says of the film of the job."""
    return lambda wildcards: values[wildcards.film]


def film_option(name, default=None):
    """An input or a param: what the config says of the film of the job."""
    return lambda wildcards: config["films"][wildcards.film].get(name, default)


def review(name):
    """An input: people's corrections of the film of the job, where there are any."""
    return lambda wildcards: find_reviews(wildcards.film, name)


def reference_images(wildcards):
    """An input: the images that people gave of the film's characters."""
    return list_watched(ROSTERS[wildcards.film], CHARACTERS[wildcards.film])


def joints(wildcards):
    """An input: the joints of the people of a shard, where their masks say nothing of their bodies."""
    phases = list_phases(film_option("kinds")(wildcards), HAS_REGIONS)
    if HAS_REGIONS or "estimate_poses" not in phases:
        return []
    return "results/{film}/estimate_poses/{shard}.parquet".format(**wildcards)


def tables_of(list_inputs, **options):
    """Inputs to unpack: the tables that a function of plan/inputs.py names for the dataset of the job."""
    return lambda wildcards: list_inputs(**wildcards, shards=SHARDS, **options)


def described_inputs(wildcards):
    """Inputs to unpack: the tables of those datasets that a model is asked about in this run."""
    targets = workflow.dag_settings.targets if workflow.is_main_process else None
    film = wildcards.film
    datasets = list_described(targets, film, DATASETS[film], CONTROLS[film])
    return describe_inputs(wildcards.film, datasets, SHARDS)


def selection_limits(wildcards):
    """A param: the limits that count for the dataset of the job."""
    return choose_limits(config["select_images"], wildcards.dataset)


def size_limits(wildcards, resources):
    """A param: what each kind of the film asks of its size.

    A function of the resources, as fetch_places: what was long enough once is not asked again.
    """
    return {
        "kinds": config["films"][wildcards.film]["kinds"],
        "frame_px": config["filter_frames"]["min_side_px"],
        "body_px": config["select_images"]["min_side_px"],
    }


def class_words(wildcards):
    """A param: what each character of the film is, such as woman."""
    characters = film_option("characters", {})(wildcards)
    return {who: row["class"] for who, row in characters.items()}


def style_words(wildcards):
    """A param: how the rendering of the film is described."""
    return film_option("style", {})(wildcards).get("words", [])


def file_sum(section):
    """A param: the sha256 of the file that a job fetches; "" where its first fetch pins it."""
    return lambda wildcards: REGISTRY[section][wildcards.file].get("sha256", "")


def fetch_places(wildcards, resources):
    """A param: from where files come, which is no part of what they are.

    A function of the resources: those Snakemake leaves out when it compares params.
    """
    return {name: config["models"].get(name) for name in ("table", "models_dir")}


def truth_files(wildcards):
    """An input: every file of the film's truth; the folder itself is new in each fresh clone."""
    return sorted(map(str, Path(film_option("truth")(wildcards)).rglob("*.*")))


resource_scopes:
    gpu="local",  # counted on each machine, and inside a group of jobs; never over a whole cluster


wildcard_constraints:
    film=any_of(FILMS),
    shard=r"\d+of\d+",
    dataset=r"[a-z0-9_-]+",
    variant=admit_trained(config["adapter"]),
