"""cinelora: a film goes in; LoRA datasets, trained adapters and the proof of their quality come out."""

import os
import sys

sys.path.insert(0, workflow.basedir)
# Threads of a net that wait for each other leave the core to other jobs: when they spin instead, two
# of them can meet on one core of a busy machine, and a net was seen to take thirty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


include: "rules/common.smk"
include: "rules/common_adapter.smk"
include: "rules/models/fetch_model.smk"
include: "rules/models/build_base.smk"
include: "rules/film/extract_frames.smk"
include: "rules/film/dedup_frames.smk"
include: "rules/film/read_text.smk"
include: "rules/film/select_text.smk"
include: "rules/film/filter_frames.smk"
include: "rules/film/segment_instances.smk"
include: "rules/film/inpaint_backgrounds.smk"
include: "rules/film/embed_images.smk"
include: "rules/film/embed_references.smk"
include: "rules/film/identify_characters.smk"
include: "rules/film/cluster_scenes.smk"
include: "rules/film/estimate_poses.smk"
include: "rules/film/classify_poses.smk"
include: "rules/film/crop_faces.smk"
include: "rules/film/score_expressions.smk"
include: "rules/film/classify_expressions.smk"
include: "rules/film/measure_lighting.smk"
include: "rules/film/classify_lighting.smk"
include: "rules/dataset/check_sizes.smk"
include: "rules/dataset/select_images.smk"
include: "rules/dataset/write_captions.smk"
include: "rules/dataset/pack_dataset.smk"
include: "rules/dataset/analyze_dataset.smk"
include: "rules/adapter/draw_class_images.smk"
include: "rules/adapter/train_adapter.smk"
include: "rules/adapter/evaluate_adapter.smk"
include: "rules/adapter/draw_suite.smk"
include: "rules/adapter/measure_suite.smk"
include: "rules/adapter/score_suite.smk"
include: "rules/adapter/compose_adapters.smk"
include: "rules/adapter/search_adapter.smk"
include: "rules/adapter/rank_trials.smk"
include: "rules/report/compare_adapters.smk"
include: "rules/report/build_report.smk"
include: "rules/report/measure_accuracy.smk"


if DESCRIBES:  # the light tier has no model that looks at images

    include: "rules/dataset/describe_images.smk"


onsuccess:
    print("\n".join(list_empty(DATASETS) + list_reports(FILMS)), file=sys.stderr)


rule all:
    default_target: True
    input:
        expand("results/{film}/{page}/index.html", film=FILMS, page=["comparison", "report"]),


rule verify:
    """Look whether what was made is still what was written; make nothing of it."""
    log:
        "logs/shared/verify.log",
    conda:
        "envs/cinelora.yaml"
    threads: 4
    resources:
        mem_mb=grow(1000),
    params:
        targets={
            film: [
                *TABLES[film],
                *PROOFS[film],
                *list_trained_controls(film, CONTROLS[film]),
                f"results/{film}/comparison/index.html",
                f"results/{film}/report/index.html",
            ]
            for film in FILMS
        },
        datasets=DATASETS,
        shards=SHARDS,
    script:
        "workflow_scripts/report/verify.py"
