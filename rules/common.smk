"""What the rules share: the checked config, lists of targets, model rows, inputs, resources."""

import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from workflow_scripts.film.people.roster import list_watched
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import list_training_images
from workflow_scripts.lib.kinds import split_name
from workflow_scripts.lib.tables import locate
from workflow_scripts.models.registry import (
    choose_model,
    describes_images,
    gives_regions,
    list_roles,
    name_loader,
    read_registry,
    weight_files,
)
from workflow_scripts.plan.adapter_settings import (
    choose_tier,
    resolve_composition_settings,
    resolve_controls,
    resolve_drawing_settings,
    resolve_adapter_settings,
    resolve_evaluation_settings,
)
from workflow_scripts.plan.calibration import list_uncalibrated
from workflow_scripts.plan.composition import choose_composed, list_composition
from workflow_scripts.plan.config import list_datasets, list_files, load_config, read_own
from workflow_scripts.plan.controls import (
    choose_controls,
    list_control_files,
    list_controls,
    list_trained_controls,
)
from workflow_scripts.plan.folders import check_folders, quote_python
from workflow_scripts.plan.inputs import (
    choose_limits,
    describe_inputs,
    list_measures,
    list_references,
)
from workflow_scripts.plan.resources import add_ram, count_readers, grow, grow_with_film
from workflow_scripts.plan.review_files import check_reviews, find_reviews, list_unread
from workflow_scripts.plan.search import (
    check_search_targets,
    find_round,
    list_rounds,
    list_search_inputs,
    locate_trial,
    resolve_search,
)
from workflow_scripts.plan.suites import find_other, find_suites
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
from workflow_scripts.plan.variants import (
    admit_trained,
    admit_variants,
    is_control,
    is_trial,
    list_compared,
    name_variant,
)

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


def training_settings(wildcards):
    """A param: the settings of the variant of the job for the kind of its dataset."""
    kind, _ = split_name(wildcards.dataset)
    variant = name_variant(wildcards.variant, config["adapter"])
    return resolve_adapter_settings(config, BASE_TIER, kind.name, variant)


def adapter_title(wildcards):
    """A param: what the adapter of the job is called; a control's own word is added where it is."""
    variant = "" if is_control(wildcards.variant) else wildcards.variant
    return f"{wildcards.film} {wildcards.dataset}{variant}"


def controls_of(wildcards):
    """Beside which other adapters the adapter of the job is judged.

    A trial has none: all trials of a search are compared with the controls of the chosen settings.
    """
    if is_trial(wildcards.variant):
        return []
    return choose_controls(CONTROLS[wildcards.film][wildcards.dataset], wildcards.variant)


def class_images(wildcards):
    """An input: images of what the base knows already, where the training is to keep them."""
    settings = training_settings(wildcards)
    if not settings["prior_loss_weight"]:
        return []
    if settings["class_images"]:
        return list(map(str, list_training_images(settings["class_images"])))
    return "results/{film}/draw_class_images/{dataset}".format(**wildcards)


def class_word(wildcards):
    """A param: what the subject of the dataset of the job is one of, such as woman."""
    kind, who = split_name(wildcards.dataset)
    return class_words(wildcards)[who] if who else kind.class_word


def training_cache(wildcards, resources):
    """A param: where encodings and finished trainings are kept, which changes no result.

    A function of the resources, as fetch_places.
    """
    return {"folder": config["adapter"]["cache_dir"], "max_gb": config["adapter"]["cache_gb"]}


def of_controls(name):
    """An input: a file of each control of the adapter of the job."""
    return lambda wildcards: list_control_files(name, wildcards.film, controls_of(wildcards))


def of_suite_controls(name):
    """An input: a file of each control beside which a suite is drawn."""
    return lambda wildcards: list_control_files(
        name, wildcards.film, CONTROLS[wildcards.film][wildcards.dataset]
    )


def of_variants(name):
    """An input: a file of each other variant with which a suite is drawn."""
    return lambda wildcards: [
        locate(name, f"results/{wildcards.film}", dataset=wildcards.dataset, variant=variant)[0]
        for variant in COMPARED
        if variant
    ]


def character_name(wildcards):
    """A param: the character that the dataset of the job is about; "" of other kinds."""
    return split_name(wildcards.dataset)[1]


def reference_vectors(wildcards):
    """An input: of a character, the table of the reference images of all."""
    return list_references(wildcards.film, wildcards.dataset)


def composed_names(wildcards):
    """A param: the datasets whose adapters are put together."""
    wanted = config["compose_adapters"]["datasets"]
    return choose_composed(wanted, wildcards.film, DATASETS[wildcards.film])


def of_composed(name):
    """An input: a file of each of the datasets whose adapters are put together."""
    return lambda wildcards: [
        locate(name, f"results/{wildcards.film}", dataset=one)[0]
        for one in composed_names(wildcards)
    ]


def composed_references(wildcards):
    """An input: the table of the reference images of all, where a character is among them."""
    names = [one for one in composed_names(wildcards) if list_references(wildcards.film, one)]
    return list_references(wildcards.film, names[0]) if names else []


def composition(wildcards):
    """An input: what compose_adapters left, where somebody asked for it."""
    return list_composition(wildcards.film)


def control_names(wildcards):
    """A param: what the controls of the adapter of the job are."""
    return [control.name for control in controls_of(wildcards)]


def suite_controls(wildcards):
    """A param: what the controls are beside which a suite is drawn."""
    return [control.name for control in CONTROLS[wildcards.film][wildcards.dataset]]


def control_name(wildcards):
    """A param: which control the adapter of the job is; "" of one that is to be used."""
    return wildcards.variant.removeprefix(".") if is_control(wildcards.variant) else ""


def sampling_measures(wildcards):
    """An input: what analyze_dataset measured, where a stage of the training draws images by it."""
    stages = training_settings(wildcards)["stages"]
    return list_measures(wildcards.film, wildcards.dataset, stages)


def search_inputs(wildcards):
    """Inputs to unpack: what a round of a search is chosen from; without a round, all of the search."""
    name = wildcards.get("round", "")
    return list_search_inputs(SEARCH, wildcards.film, wildcards.dataset, name)


def search_options(wildcards):
    """A param: the options of a search that say what its trials are, whatever their number."""
    known = {name: SEARCH[name] for name in SEARCH if name not in ("trials", "round", "halving")}
    return known | {"seed": config["seed"], "dataset": wildcards.dataset}


def trial_names(wildcards):
    """A param: the names of the trials of a round."""
    return [f"{wildcards.round}_{number + 1}" for number in range(SEARCH["round"])]


def trial_parameters(wildcards):
    """An input: of a trial, what its training does otherwise."""
    return locate_trial(wildcards.film, wildcards.dataset, wildcards.variant)


def suite_file(wildcards):
    """An input: the test suite of the kind of the dataset of the job."""
    kind, _ = split_name(wildcards.dataset)
    return SUITES[kind.name]


def other_character(wildcards):
    """A param: what calls another character of the film; "" where there is none."""
    characters = film_option("characters", {})(wildcards)
    return find_other(wildcards.dataset, wildcards.film, characters or {})


resource_scopes:
    gpu="local",  # counted on each machine, and inside a group of jobs; never over a whole cluster


wildcard_constraints:
    film=any_of(FILMS),
    shard=r"\d+of\d+",
    dataset=r"[a-z0-9_-]+",
    variant=admit_trained(config["adapter"]),
