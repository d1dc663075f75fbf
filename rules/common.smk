"""What several rule files share: the checked config, lists of targets, model rows, code hashes, resources."""

from snakemake.exceptions import WorkflowError

from workflow_scripts.lib.code import hash_code
from workflow_scripts.plan.config import find_problems, list_datasets, read_shipped
from workflow_scripts.plan.option_order import order_like
from workflow_scripts.models.registry import ROLES, choose_model, name_loader, weight_files
from workflow_scripts.plan.resources import add_ram, grow

# Stop before any job starts, with every problem of the config in one message.
if problems := find_problems(config):
    lines = "\n".join(f"  - {problem}" for problem in problems)
    raise WorkflowError(f"The config has {len(problems)} problem(s):\n{lines}")

config.update(order_like(config, read_shipped()))

FILMS = sorted(config["only"] or config["films"])
DATASETS = {film: list_datasets(config, film) for film in FILMS}
KINDS = ["character", "background", "pose", "expression", "style", "lighting"]
SHARDS = [f"{n + 1:02d}of{config['shards']:02d}" for n in range(config["shards"])]
MODELS = {role: choose_model(role, config["models"]) for role in ROLES}
LOADERS = {role: name_loader(model) for role, model in MODELS.items()}  # as hash_code names them
WEIGHTS = {role: weight_files(model) for role, model in MODELS.items()}


resource_scopes:
    gpu="local",  # counted on each machine, and inside a group of jobs; never over a whole cluster


wildcard_constraints:
    film="|".join(FILMS),
    shard=r"\d+of\d+",
    kind="|".join(KINDS),
    dataset=r"[a-z0-9_-]+",
