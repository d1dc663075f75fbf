"""Fetch the weights of models, and films that come in packages: one file a job, checked by sha256.

needs   a row in resources/models.yaml (`files`, `folders` or `films`), or in the table that
        models.table names; and, where the file is not there, a network or models.models_dir
leaves  resources/models/<file>, resources/models/<folder>/, resources/films/<file>

A file that was copied to its place by hand is taken as it is: offline machines need nothing else.
"""

import re

from workflow_scripts.models.registry import read_registry

TABLE = read_registry(config["models"].get("table"))
# From where a file comes is no part of what it is: handed over by a function of the resources,
# which Snakemake leaves out when it compares params.
PLACES = {name: config["models"].get(name) for name in ("table", "models_dir")}


localrules:
    fetch_model,
    fetch_folder,
    fetch_film,


rule fetch_model:
    """Fetch one file of weights."""
    output:
        fetched="resources/models/{file}",
    log:
        "logs/shared/fetch_model.{file}.log",
    benchmark:
        "benchmarks/shared/fetch_model.{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, TABLE["files"])),
    conda:
        "../../envs/cinelora.yaml"
    resources:
        mem_mb=grow(500),
    params:
        sha256=lambda wildcards: TABLE["files"][wildcards.file].get("sha256", ""),
        block=lambda wildcards, resources: PLACES,
    script:
        "../../workflow_scripts/models/fetch_model.py"


rule fetch_folder:
    """Fetch the files of one model that belong together; finished ones outlast a failure."""
    output:
        fetched=directory("resources/models/{folder}"),
    log:
        "logs/shared/fetch_folder.{folder}.log",
    benchmark:
        "benchmarks/shared/fetch_folder.{folder}.tsv"
    wildcard_constraints:
        folder="|".join(map(re.escape, TABLE["folders"])),
    conda:
        "../../envs/cinelora.yaml"
    resources:
        mem_mb=500,
    params:
        sha256="",
        block=lambda wildcards, resources: PLACES,
    script:
        "../../workflow_scripts/models/fetch_model.py"


rule fetch_film:
    """Fetch one film."""
    output:
        fetched="resources/films/{file}",
    log:
        "logs/shared/fetch_film.{file}.log",
    benchmark:
        "benchmarks/shared/fetch_film.{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, TABLE["films"])),
    conda:
        "../../envs/cinelora.yaml"
    resources:
        mem_mb=grow(500),
    params:
        sha256=lambda wildcards: TABLE["films"][wildcards.file]["sha256"],
    script:
        "../../workflow_scripts/models/fetch_model.py"
