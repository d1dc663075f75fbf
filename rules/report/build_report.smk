"""Show what became of a film, on one page, and sum up its progress.

needs: every table of the film's kinds, its datasets, adapters and their scores; the benchmark
       files and progress files that lie beside them are read as they are
leaves: report/index.html (self-contained), report/funnel.svg, report/timeline.svg, progress.json
"""

from glob import glob

from workflow_scripts.plan.targets import list_proofs, list_tables

TABLES = {  # everything that a film's preparation leaves, as far as its kinds need it
    film: list_tables(film, config["films"][film]["kinds"], DATASETS[film], SHARDS, DESCRIBES)
    for film in FILMS
}
PROOFS = {  # what is known about its datasets, and the accuracy where the truth is known
    film: list_proofs(film, DATASETS[film], "truth" in config["films"][film]) for film in FILMS
}


localrules:
    build_report,


rule build_report:
    """Draw one page from all tables of a film."""
    input:
        tables=lambda wildcards: TABLES[wildcards.film],
        proofs=lambda wildcards: PROOFS[wildcards.film],
        reviews=lambda wildcards: sorted(glob(f"config/reviews/{wildcards.film}/*.csv")),
        registry="resources/models.yaml",
        look=multiext("resources/report/page", ".html.j2", ".css", ".js"),
    output:
        page=report(
            "results/{film}/report/index.html",
            caption="../../resources/report/page.rst",
            category="{film}",
            labels={"what": "the film on one page"},
        ),
        funnel=report(
            "results/{film}/report/funnel.svg",
            caption="../../resources/report/funnel.rst",
            category="{film}",
            labels={"what": "funnel of frames"},
        ),
        timeline=report(
            "results/{film}/report/timeline.svg",
            caption="../../resources/report/timeline.rst",
            category="{film}",
            labels={"what": "timeline of shots"},
        ),
        progress="results/{film}/progress.json",
    log:
        "logs/{film}/build_report.log",
    benchmark:
        "benchmarks/{film}/build_report.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(3000),
    params:
        film=lambda wildcards: config["films"][wildcards.film],
        datasets=lambda wildcards: DATASETS[wildcards.film],
        tier=config["models"]["tier"],
        models=MODELS,
        benchmarks="benchmarks/{film}",
        options=config["build_report"],
        code=hash_code("report.build_report"),
    script:
        "../../workflow_scripts/report/build_report.py"
