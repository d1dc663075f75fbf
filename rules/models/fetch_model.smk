"""fetch_model: weights of models, and films that come in packages; one file a job, sha256 checked.

needs    a row in resources/models.yaml (`files`, `folders` or `films`), or in the table that
         models.table names; and, where the file is not there, a network or models.models_dir
leaves   resources/models/<file>, resources/models/<folder>/, resources/films/<file>

A file that was copied to its place by hand needs no fetching; who loads it first checks its sha256.
"""


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
        file=any_of(REGISTRY["files"]),
    conda:
        "../../envs/cinelora.yaml"
    resources:
        mem_mb=grow(500),
    params:
        sha256=file_sum("files"),
        block=fetch_places,
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
        folder=any_of(REGISTRY["folders"]),
    conda:
        "../../envs/cinelora.yaml"
    resources:
        mem_mb=500,
    params:
        sha256="",
        block=fetch_places,
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
        file=any_of(REGISTRY["films"]),
    conda:
        "../../envs/cinelora.yaml"
    resources:
        mem_mb=grow(500),
    params:
        sha256=file_sum("films"),
    script:
        "../../workflow_scripts/models/fetch_model.py"
