# Every target makes its own environment first; only Python 3.11 or 3.12, make and git are needed.

PYTHON := $(or $(PYTHON),$(shell command -v python3))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUN := $(BIN)/snakemake
DEMO := --configfile config/overlays/demo.yaml
# The light tier computes on the CPU: a "gpu" is a place for a job there, and each core has one.
SLOTS := --resources gpu=$(shell nproc)
FILM ?= resources/demo_film
TIER ?= light
NAME ?= demo
# What `make light-models` works in; the cast needs an environment of its own (resources/cast/README.md).
LIGHT_WORK ?= resources/models/light_work
LIGHT_OUT ?= $(LIGHT_WORK)/weights
CAST_PYTHON ?= python3
# And the model of light: an environment with bpy (resources/demo_film/maker/README.md), shards of a cast.
RENDER_PYTHON ?= python3
CAST ?= $(LIGHT_WORK)/cast
IMAGES ?= 2400
LIGHTING := resources.light_models.recipe.lighting
MINUTES ?= 120
PEERS := benchmarks/scratch/peers
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Every job is a Python of its own: without byte code each would compile torch's modules again.
unexport PYTHONDONTWRITEBYTECODE
# Threads of a net that wait for each other leave the core to others. When they spin instead, two of
# them can meet on one core as soon as anything else runs, and a net takes thirty times as long.
export OMP_WAIT_POLICY ?= passive

.DEFAULT_GOAL := help
.PHONY: help setup setup-gpu demo test test-slurm test-kills test-search search-studies test-fetch accuracy calibrate growth capacity models light-models lighting-model bench bench-gpu bench-train judges roofline lint film-bbb lock phases timings clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(READY)  ## make the environment in .venv (hash-locked)

$(READY): envs/requirements.txt envs/uv.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r envs/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes envs/requirements.txt
	@touch $@

setup-gpu: $(READY)  ## the same, with the onnxruntime that computes on a GPU, and bitsandbytes
	$(BIN)/uv pip uninstall --quiet --python $(BIN)/python onnxruntime
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r envs/gpu.txt

demo: $(READY)  ## run everything on the demo film; prints where the report is
	$(RUN) $(DEMO) $(SLOTS)

test: $(READY)  ## all tests, with one run of the workflow from end to end
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-slurm: $(READY)  ## the workflow through a real SLURM, with failures; needs Debian and root
	$(BIN)/python -m pytest -s tests/slurm

test-kills: $(READY)  ## 50 trainings and 50 runs killed at random moments, and resumed (about an hour)
	KILLS=50 $(BIN)/python -m pytest -s tests/adapter/test_killed_trainings.py tests/workflow/test_killed.py

test-search: $(READY)  ## a search of twelve trials, killed and with its trials in another order
	TRIALS=12 $(BIN)/python -m pytest -s tests/workflow/test_search.py

search-studies: $(READY)  ## 20 toy studies of settings: the search beside random search, NSGA-II and halving
	@$(BIN)/python -m benchmarks.search_studies

test-fetch: $(READY)  ## `make models TIER=full` from this machine, every file at its published size (24 GB of disk, minutes)
	SHARE=1 $(BIN)/python -m pytest -s tests/models/test_fetch_sizes.py

accuracy: $(READY)  ## measure every phase against exact truth, and write ACCURACY.md; FILM=<folder with a film and truth/>
	@$(BIN)/python -m workflow_scripts.report.accuracy.run $(FILM)

models: $(READY)  ## fetch the models of a tier, sizes and licenses first; TIER=light or full
	@$(BIN)/python -m workflow_scripts.models.fetch_model --tier $(TIER) \
	  $(addprefix --table ,$(TABLE)) $(addprefix --models-dir ,$(MODELS_DIR))

calibrate: $(READY)  ## options that suit your models of embed and scene, from a film that was run; NAME=demo
	@$(BIN)/python -m workflow_scripts.plan.calibrate $(NAME)

light-models: $(READY)  ## make the light tier's own models from nothing; MINUTES=120, CAST_PYTHON=<python with the body model>
	@$(BIN)/python -m workflow_scripts.models.fetch_model --tier light  # they judge what is drawn
	$(BIN)/python -m resources.light_models.recipe.run --minutes $(MINUTES) --work $(LIGHT_WORK) \
	  --out $(LIGHT_OUT) --cast-python $(CAST_PYTHON)

lighting-model: $(READY)  ## make the model of light anew; RENDER_PYTHON=<python with bpy>, CAST_PYTHON, CAST=<folder of shards>
	PYTHONPATH=.:resources/demo_film $(RENDER_PYTHON) -m $(LIGHTING).draw $(LIGHT_WORK)/cycles --images $(IMAGES)
	PYTHONPATH=.:resources:resources/demo_film $(CAST_PYTHON) -m $(LIGHTING).rasterize $(LIGHT_WORK)/rasterizer --images $(IMAGES)
	$(BIN)/python -m $(LIGHTING).tables $(LIGHT_WORK)/cycles.parquet --drawn $(LIGHT_WORK)/cycles --variants 3
	$(BIN)/python -m $(LIGHTING).tables $(LIGHT_WORK)/rasterizer.parquet --drawn $(LIGHT_WORK)/rasterizer --variants 1
	$(BIN)/python -m $(LIGHTING).tables $(LIGHT_WORK)/cast.parquet --cast $(CAST) --share 0.1
	$(BIN)/python -m $(LIGHTING).train $(LIGHT_WORK)/lighting.json $(LIGHT_WORK)/cycles.parquet $(LIGHT_WORK)/rasterizer.parquet $(LIGHT_WORK)/cast.parquet
	@echo "The model: $(LIGHT_WORK)/lighting.json. Copy it to resources/light_models/ to use it."

bench-gpu: $(READY)  ## speed of the full tier on a GPU; writes benchmarks/gpu.md
	@$(BIN)/python -m benchmarks.gpu --write benchmarks/gpu.md
	@$(BIN)/python -m benchmarks.train --device cuda --write benchmarks/train_gpu.md

bench-train: $(READY)  ## speed of training on the CPU: benchmarks/train.md; SCRIPT=<diffusers' train_text_to_image_lora.py> DATASET=<a packed dataset>
	@$(BIN)/python -m benchmarks.train --write benchmarks/train.md $(addprefix --script ,$(SCRIPT)) \
	  $(addprefix --dataset ,$(DATASET))

roofline: $(READY)  ## what binds the full tier on some GPUs, computed; writes benchmarks/roofline.md
	@$(BIN)/python -m benchmarks.roofline

judges: $(READY)  ## how often planted defects of adapters are found; writes benchmarks/judges.md, after `make demo`
	$(BIN)/python -m benchmarks.judges --write benchmarks/judges.md

growth: $(READY)  ## how memory, time and jobs grow with the film, after `make demo`
	$(BIN)/python -m workflow_scripts.capacity.measure

capacity: $(READY)  ## time and GPU-hours of 1 to 10,000 films, from a film that was run; NAME=demo
	$(BIN)/python -m workflow_scripts.capacity.plan $(NAME)

timings: $(READY)  ## write benchmarks/timings.md from a film that was run; NAME=demo
	$(BIN)/python -m benchmarks.timings $(NAME)

phases: $(READY)  ## draw resources/phases.svg again: which phase feeds which
	$(BIN)/python -m workflow_scripts.plan.draw_phases

lint: $(READY)  ## ruff, snakefmt, which area imports which, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/lint-imports --no-cache --no-logo
	$(RUN) --lint

film-bbb: $(READY)  ## run Big Buck Bunny (9:56, CC BY): background, style, lighting
	$(RUN) --configfile config/overlays/bbb.yaml $(SLOTS)

bench: $(READY) $(PEERS)/.ready  ## measure the first phases beside other tools: benchmarks/results.md
	$(RUN) --configfile config/overlays/bbb.yaml --cores 1 resources/films/bbb.mp4
	$(BIN)/python -m benchmarks.run

$(PEERS)/.ready: benchmarks/peers.txt $(READY)
	$(PYTHON) -m venv --clear $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python -r benchmarks/peers.txt
	@touch $@

lock: $(READY)  ## compile envs/requirements.in again, and the conda file from the same pins
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --override envs/overrides.txt \
	  envs/requirements.in -o envs/requirements.txt
	$(BIN)/python envs/make_conda.py

clean:  ## delete what the workflow made (results, logs, benchmarks of runs), keep models
	rm -rf results logs benchmarks/*/
