"""build_report: what became of a film, on one page, and the sum of its progress.

needs    every table of the film's kinds, its datasets, adapters and their scores; what compose_adapters
         left, where it was asked for; the benchmark
         files and progress files that lie beside them are read as they are
leaves   report/index.html (self-contained), report/funnel.svg, report/timeline.svg, progress.json
"""


localrules:
    build_report,


rule build_report:
    """Draw one page from all tables of a film."""
    input:
        tables=of_film(TABLES),
        proofs=of_film(PROOFS),
        reviews=review("*"),
        composition=composition,
        registry="resources/models.yaml",
        look=multiext(
            "resources/report/",
            "page.html.j2",
            "page.css",
            "links.js",
            "page.js",
            "blocks.html.j2",
        ),
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
        film=of_film(config["films"]),
        datasets=of_film(DATASETS),
        tier=config["models"]["tier"],
        models=MODELS,
        uncalibrated=UNCALIBRATED,
        benchmarks="benchmarks/{film}",
        options=config["build_report"],
        code=hash_code("report.build_report"),
    script:
        "../../workflow_scripts/report/build_report.py"
