"""Write the conda files from the pins of requirements.txt: an environment and its second step.

Snakemake runs `<environment>.post-deploy.sh` by itself after it made an environment. Packages go in
there, not in the YAML, because they need --no-deps: some declare pins that are out of date.
"""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOTE = "# Generated from requirements.txt by `make lock`; the conda solve itself is not tested.\n"
ENVIRONMENT = """\
# By hand: conda env create -f envs/cinelora.yaml && conda activate cinelora
#          && bash envs/cinelora.post-deploy.sh
name: cinelora
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
"""


def read_pins(lock: str) -> list[str]:
    """Lines `name==version ; marker` of a lock without their hashes; impossible ones left out."""
    lines = re.findall(r"^([a-z0-9][^\\\n]*?)\s*\\?$", lock, flags=re.MULTILINE)
    return [line for line in lines if "== 'never'" not in line]


def make_files(lock: str) -> dict[str, str]:
    pins = "\n".join(read_pins(lock))
    script = (
        f"#!/bin/sh\n{NOTE}set -eu\npip install --no-deps -r /dev/stdin <<'PINS'\n{pins}\nPINS\n"
    )
    return {"cinelora.yaml": NOTE + ENVIRONMENT, "cinelora.post-deploy.sh": script}


if __name__ == "__main__":
    for name, text in make_files((HERE / "requirements.txt").read_text(encoding="utf-8")).items():
        (HERE / name).write_text(text, encoding="utf-8")
