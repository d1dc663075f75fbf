"""Bodies at rest, from the demo film maker's body model: vertices, bones, weights, facial actions.

The body model is evaluated once a character. Poses are then made here, from bones and weights
alone: a thousand times cheaper, and equal to the model's within a millimeter.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from maker.body import VERTICES, Body

from cast.acting import ACTIONS_USED

PAINTED = ("lips", "ears", "inside-mouth")  # regions of the skin by texture


@dataclass(frozen=True)
class Rest:
    """A body in the pose of all bones unturned: arms 45° down, feet near the ground, face to -y."""

    points: np.ndarray  # (VERTICES, 3) meters
    heads: np.ndarray  # (B, 3) where bones turn
    face: np.ndarray  # (A, VERTICES, 3) offsets of the facial actions ACTIONS_USED


class CastBody:
    """The body model, loaded once for all characters."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.maker = Body()
        model = self.maker.model
        self.faces, self.skin = self.maker.faces, self.maker.skin
        self.bones = list(model.bone_labels)
        self.parents = list(model.bone_parents)
        self.regions = {name: self.maker.region(name) for name in PAINTED}

    @cached_property
    def weights(self) -> sp.csr_matrix:
        """(VERTICES, B): how much each vertex follows each bone."""
        model = self.maker.model
        indices, values = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
        rows = np.repeat(np.arange(VERTICES), indices.shape[1])
        matrix = sp.csr_matrix(
            (values.ravel(), (rows, indices.ravel())), shape=(VERTICES, len(self.bones))
        )
        matrix.eliminate_zeros()
        return matrix

    @cached_property
    def joints(self) -> sp.csr_matrix:
        """(17, VERTICES): the COCO joints as means of vertices."""
        return sp.csr_matrix(self.maker.joints.regression_weights.numpy()[:17])

    @cached_property
    def actions(self) -> np.ndarray:
        """(A, VERTICES, 3) offsets of ACTIONS_USED on the unposed template."""
        labels = self.maker.model.blendshape_labels
        rows = [labels.index(f"facial_action:{name}") for name in ACTIONS_USED]
        return self.maker.model.blendshapes[rows].numpy().astype(np.float32)

    def rest(self, phenotypes: dict[str, float], changes: dict[str, float]) -> Rest:
        """The body of these measures (names of the body model, 0 to 1; changes -1 to 1)."""
        model = self.maker.model
        turns = torch.eye(4, dtype=model.dtype)[None, None].repeat(1, model.bone_count, 1, 1)
        with torch.no_grad():
            out = model(
                pose_parameters=turns, phenotype_kwargs=phenotypes, local_changes_kwargs=changes
            )
        poses = out["bone_poses"][0].numpy()
        before = out["rest_bone_poses"][0].numpy()
        head = self.bones.index("head")
        turn = poses[head, :3, :3] @ before[head, :3, :3].T
        return Rest(
            out["vertices"][0].numpy(), poses[:, :3, 3].copy(),
            self.actions @ turn.T.astype(np.float32),
        )  # fmt: skip
