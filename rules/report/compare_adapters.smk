"""compare_adapters: all judged adapters of a film side by side, variant beside variant.

needs    what evaluate_adapter left of every dataset and variant, and their trainings for the cost
leaves   comparison/index.html (self-contained)
"""


localrules:
    compare_adapters,


rule compare_adapters:
    """Show adapters with the same prompts and seeds, and what is significantly better."""
    input:
        judged=of_film(JUDGED),
        look=multiext(
            "resources/report/",
            "comparison.html.j2",
            "page.css",
            "comparison.css",
            "links.js",
            "comparison.js",
            "blocks.html.j2",
        ),
    output:
        page=report(
            "results/{film}/comparison/index.html",
            caption="../../resources/report/comparison.rst",
            category="{film}",
            labels={"what": "adapters side by side"},
        ),
    log:
        "logs/{film}/compare_adapters.log",
    benchmark:
        "benchmarks/{film}/compare_adapters.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        names={"": f"{config['adapter']['chosen']} (chosen)"},
        options=config["compare_adapters"],
        code=hash_code("report.compare_adapters"),
    script:
        "../../workflow_scripts/report/compare_adapters.py"
