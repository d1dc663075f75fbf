"""cinelora: a film goes in; LoRA datasets, trained adapters and the proof of their quality come out."""

import sys

sys.path.insert(0, workflow.basedir)


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/fetch_model.smk"
include: "rules/extract_frames.smk"
include: "rules/dedup_frames.smk"
include: "rules/detect_text.smk"
include: "rules/filter_frames.smk"
include: "rules/segment_instances.smk"
include: "rules/inpaint_backgrounds.smk"
include: "rules/embed_images.smk"
include: "rules/embed_references.smk"
include: "rules/identify_characters.smk"
include: "rules/cluster_scenes.smk"
include: "rules/estimate_poses.smk"
include: "rules/classify_poses.smk"
include: "rules/crop_faces.smk"
include: "rules/classify_expressions.smk"
include: "rules/classify_lighting.smk"
include: "rules/caption_images.smk"
include: "rules/pack_dataset.smk"
include: "rules/analyze_dataset.smk"
include: "rules/train_adapter.smk"
include: "rules/evaluate_adapter.smk"
include: "rules/build_report.smk"
include: "rules/measure_accuracy.smk"


rule all:
    default_target: True
    input:
        expand("results/{film}/report/index.html", film=FILMS),
