"""Makes the model of light from nothing: draws and measures its tables, trains, reports.

    cd resources && PYTHONPATH=.. ../.venv/bin/python -m light_models.recipe.lighting_make work/

Tables that are there are kept, so that a stopped run goes on. The whole takes some half an hour of
one core; `--share 0.1` takes a tenth, and leaves a worse model.
"""

import argparse
from pathlib import Path

from light_models.recipe import lighting_data, lighting_report, lighting_train

SCENES = 160  # a table, of SHOTS_PER_PLACE a place
TRAINED = tuple(range(1, 5))  # seeds
HELD_OUT, GRADED = (101, 102), (103,)
OPTIONS = Path("../config/options/film.yaml")


def make_tables(work: Path, seeds: tuple, scenes: int, held_out: bool, presets: bool) -> list[Path]:
    """One table a seed; what is held out is seen by one film, and every shot of it is compared."""
    tables = [work / f"light_{seed}.parquet" for seed in seeds]
    for table, seed in zip(tables, seeds, strict=True):
        if not table.exists():
            compared = 1.0 if held_out else lighting_data.COMPARED_SHARE
            lighting_data.main(
                table, scenes, seed, held_out, 1 if held_out else 2, presets, compared, None, None
            )
    return tables


def main(work: Path, model: Path, share: float) -> None:
    work.mkdir(parents=True, exist_ok=True)
    scenes = max(8, int(SCENES * share))
    held_out = make_tables(work, HELD_OUT, scenes // 2, True, False)
    graded = make_tables(work, GRADED, scenes // 2, True, True)
    trained = make_tables(work, TRAINED, scenes, False, False)
    lighting_train.main(model, trained, held_out, 0)
    domains = {"held out": held_out, "held out, graded": graded}
    asked = [f"{name}={','.join(map(str, tables))}" for name, tables in domains.items()]
    lighting_report.main(model, asked, OPTIONS, True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path, help="where tables are kept")
    parser.add_argument("--model", type=Path, default=Path("light_models/lighting.json"))
    parser.add_argument("--share", type=float, default=1.0)
    main(**vars(parser.parse_args()))
