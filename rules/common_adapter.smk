"""What the rules of adapters share: settings, controls, variants, compositions, searches, suites."""

from workflow_scripts.lib.image_folders import list_training_images
from workflow_scripts.lib.kinds import split_name
from workflow_scripts.lib.tables import locate
from workflow_scripts.plan.adapter_settings import (
    resolve_adapter_settings,
    resolve_composition_settings,
    resolve_drawing_settings,
    resolve_evaluation_settings,
)
from workflow_scripts.plan.composition import choose_composed, list_composition
from workflow_scripts.plan.controls import (
    choose_controls,
    list_control_files,
    list_trained_controls,
)
from workflow_scripts.plan.inputs import list_measures, list_references
from workflow_scripts.plan.search import find_round, list_rounds, list_search_inputs, locate_trial
from workflow_scripts.plan.suites import find_other
from workflow_scripts.plan.variants import admit_variants, is_control, is_trial, name_variant


def training_settings(wildcards):
    """A param: the settings of the variant of the job for the kind of its dataset."""
    kind, _ = split_name(wildcards.dataset)
    variant = name_variant(wildcards.variant, config["adapter"])
    return resolve_adapter_settings(config, BASE_TIER, kind.name, variant)


def training_processes(wildcards):
    """A resource: GPUs, and cores beside them, that train the adapter of the job together."""
    return training_settings(wildcards)["processes"]


def training_memory(wildcards, attempt):
    """A resource: memory, of which each process needs as much as one alone."""
    own_mb = max(3000, MODELS["base"].get("ram_mb", 0))
    return grow(own_mb * training_processes(wildcards))(wildcards, attempt)


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
