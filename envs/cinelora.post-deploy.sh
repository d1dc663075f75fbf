#!/bin/sh
# Generated from requirements.txt by `make lock`; the conda solve itself is not tested.
set -eu
pip install --no-deps -r /dev/stdin <<'PINS'
absl-py==2.5.1
accelerate==1.15.0
ai-edge-litert==2.3.0
alembic==1.20.1
annotated-doc==0.0.7
annotated-types==0.8.0
antlr4-python3-runtime==4.9.3
anyio==4.16.0 ; sys_platform != 'emscripten'
argparse-dataclass==2.0.0
attrs==26.1.0
av==18.1.0
backports-strenum==1.2.8
beautifulsoup4==4.15.0
black==26.10.1
certifi==2026.10.18
charset-normalizer==3.5.2
click==8.5.1
colorama==0.4.6 ; sys_platform == 'win32'
colorlog==6.12.0
conda-inject==1.3.2
configargparse==1.9.0
connection-pool==0.0.3
contourpy==1.3.3 ; python_full_version < '3.12'
contourpy==1.4.0 ; python_full_version >= '3.12'
cuda-bindings==13.5.0 ; python_full_version < '3.15' and sys_platform == 'linux'
cuda-pathfinder==1.9.0 ; python_full_version < '3.15' and sys_platform == 'linux'
cuda-toolkit==13.0.3.0 ; sys_platform == 'linux'
cycler==0.12.1
datasets==5.2.0
diffusers==0.42.1
dill==0.4.1
docutils==0.22.4
dpath==2.2.0
execnet==2.1.2
fastjsonschema==2.22.3
filelock==4.2.11
fire==0.7.1
flatbuffers==25.12.19
fonttools==4.68.0
fsspec==2026.9.0
ftfy==6.3.1
gdown==6.5.1
gitdb==4.0.12
gitpython==3.2.1
greenlet==3.5.6 ; platform_machine == 'AMD64' or platform_machine == 'WIN32' or platform_machine == 'aarch64' or platform_machine == 'amd64' or platform_machine == 'ppc64le' or platform_machine == 'win32' or platform_machine == 'x86_64'
grimp==3.20
grpcio==1.85.3
h11==0.16.0 ; sys_platform != 'emscripten'
hf-xet==1.8.0 ; platform_machine == 'AMD64' or platform_machine == 'ARM64' or platform_machine == 'aarch64' or platform_machine == 'amd64' or platform_machine == 'arm64' or platform_machine == 'x86_64'
httpcore2==2.16.2 ; sys_platform != 'emscripten'
httpx2==2.16.2
httpx2-jsfetch==1.0 ; python_full_version >= '3.12' and sys_platform == 'emscripten'
huggingface-hub==2.4.0
humanfriendly==10.0
hydra-core==1.3.8
hypothesis==6.170.15
idna==3.20
imagehash==4.3.2
immutables==0.21
import-linter==2.17
importlib-metadata==10.2.0
iniconfig==2.3.1
iopath==0.1.10
jinja2==3.1.6
jsonschema==4.26.0
jsonschema-specifications==2025.9.1
jupyter-core==5.9.1
kiwisolver==1.5.1
lazy-importer==0.1.0 ; python_full_version < '3.15'
llvmlite==0.50.0
mako==1.4.3
markdown==3.11.3
markdown-it-py==4.3.0
markupsafe==3.0.4
matplotlib==3.11.2
mdurl==0.1.2
ml-dtypes==0.6.0
mpmath==1.3.0
multiprocess==0.70.19
mypy-extensions==1.2.0
nbformat==5.11.1
networkx==3.6.1
numba==0.68.1
numpy==2.4.6
nvidia-cublas==13.1.1.3 ; sys_platform == 'linux'
nvidia-cuda-cupti==13.0.85 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-cuda-nvrtc==13.0.88 ; sys_platform == 'linux'
nvidia-cuda-runtime==13.0.96 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-cudnn-cu13==9.24.0.43 ; sys_platform == 'linux'
nvidia-cufft==12.0.0.61 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-cufile==1.15.1.6 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-curand==10.4.0.35 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-cusolver==12.0.4.66 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-cusparse==12.6.3.3 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-cusparselt-cu13==0.8.1 ; sys_platform == 'linux'
nvidia-nccl-cu13==2.30.7 ; sys_platform == 'linux'
nvidia-nvjitlink==13.5.37 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
nvidia-nvshmem-cu13==3.4.5 ; sys_platform == 'linux'
nvidia-nvtx==13.0.85 ; (platform_machine == 'aarch64' and sys_platform == 'linux') or (platform_machine == 'x86_64' and sys_platform == 'linux')
omegaconf==2.3.1
onnx==1.23.2
onnxruntime==1.31.1
open-clip-torch==3.3.0
opencv-python-headless==5.0.0.93
optuna==5.0.0
packaging==25.0
pandas==3.1.1
pathspec==1.1.1
peft==0.21.2
pillow==12.3.0
pip==26.3
platformdirs==4.14.5
pluggy==1.7.0
portalocker==4.4.2
prodigyopt==1.1.2
protobuf==7.36.2
psutil==7.2.2
pulp==3.3.2
pyarrow==26.0.1
pyclipper==1.4.0
pycocotools==2.0.11
pydantic==2.14.3
pydantic-core==2.50.4
pygments==2.21.0
pyparsing==3.3.3
pyreadline3==3.5.6 ; sys_platform == 'win32'
pysocks==1.7.1
pytest==9.2.0
pytest-xdist==3.8.0
python-dateutil==4.0.0
pytokens==0.4.1
pywavelets==1.9.0
pyyaml==6.0.3
rapidocr-onnxruntime==1.4.4
referencing==0.37.0
regex==2026.11.15
requests==2.34.2
retina-face==0.0.19
rf-sam-2==1.0.3
rich==15.0.0
rpds-py==2026.9.1
rtmlib==0.0.16
ruff==0.17.5
safetensors==0.8.0
schedulefree==1.4.1
scipy==1.17.1
setuptools==84.2.1
shapely==2.2.0
shellingham==1.5.4
shfmt-py==4.2.0
simple-lama-inpainting==0.1.2
simplejpeg==1.9.0
six==1.17.0
smart-open==7.7.1
smmap==5.0.3
snakefmt==2.1.0
snakemake==9.27.1
snakemake-executor-plugin-slurm==2.8.0
snakemake-executor-plugin-slurm-jobstep==0.6.1
snakemake-interface-common==1.23.0
snakemake-interface-executor-plugins==9.4.0
snakemake-interface-logger-plugins==2.1.0
snakemake-interface-report-plugins==1.3.0
snakemake-interface-scheduler-plugins==2.0.2
snakemake-interface-storage-plugins==4.4.1
sortedcontainers==2.4.0
soupsieve==2.10
sqlalchemy==2.0.58
sqlmodel==0.0.37
sympy==1.14.0
tabulate==0.10.0
tenacity==9.2.1
tensorboard==2.21.0
tensorboard-data-server==0.7.2
termcolor==3.3.0
throttler==1.2.3
timm==1.0.31
tokenizers==0.23.3
torch==2.14.1
torchvision==0.29.1
tqdm==4.70.1
traitlets==5.16.1
transformers==5.23.0
triton==3.8.0 ; python_full_version < '3.15' and sys_platform == 'linux'
truststore==0.10.5 ; sys_platform != 'emscripten'
typer==0.29.2
typing-extensions==4.16.0
typing-inspection==0.4.5
tzdata==2026.6
urllib3==2.8.0
uv==0.13.8
wcwidth==0.9.4
werkzeug==3.1.9
wrapt==2.5.2
xxhash==4.1.0
yte==1.9.4
zipp==4.1.2
PINS
