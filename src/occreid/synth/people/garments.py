"""Clothes: shells around the body that stand off it, hang straight and end at a hem.

A shell follows MakeHuman's ``helper-tights`` (arms, trunk, legs, feet) or ``helper-skirt``. It is displaced
in the rest pose, so skinning moves it with the body. Body faces under clothes are not drawn at all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.bodies import FloatArray, load_assets, neutral_vertices
from occreid.synth.people.coordinates import load_coordinates
from occreid.synth.people.mesh import Material, Piece
from occreid.synth.people.posing import vertex_normals


def shell(
    vertices: FloatArray, group: str, keep: np.ndarray, material: Material, cut: FloatArray, *, two_sided: bool = False
) -> Piece:
    """The faces of a mesh group that ``keep`` (V,) touches, as a piece; all arrays are per mesh vertex (V, …)."""
    assets, coordinates = load_assets(), load_coordinates()
    faces = assets.faces[group]
    faces = faces[keep[faces].any(1)]
    return Piece(
        vertices=vertices,
        weights=assets.weights,
        faces=faces,
        material=np.full(len(faces), material),
        two_sided=np.full(len(faces), two_sided),
        place=neutral_vertices(),
        arm=coordinates.arm,
        along=coordinates.along,
        around=coordinates.around,
        cut=cut.astype(np.float32),
    ).compact()


def smooth(vertices: FloatArray, faces: np.ndarray, rounds: int) -> FloatArray:
    """Average each vertex of a mesh with its neighbours, some rounds: folds and navels vanish under cloth."""
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    count = np.bincount(a, minlength=len(vertices)) + np.bincount(b, minlength=len(vertices))
    used = count > 0
    out = vertices.copy()
    for _ in range(rounds):
        total = [
            np.bincount(a, out[b, k], minlength=len(out)) + np.bincount(b, out[a, k], minlength=len(out))
            for k in range(3)
        ]
        out[used] = 0.5 * out[used] + 0.5 * (np.stack(total, 1)[used] / count[used, None])
    return out


def _hang(vertices: FloatArray, place: FloatArray, trunk: np.ndarray, low: float, ease: float) -> FloatArray:
    """Let cloth fall from the chest: at each angle the trunk is at least as wide as chest and hips allow."""
    out = vertices.copy()
    center = np.array([0.0, float(vertices[trunk, 1].mean())])
    flat = vertices[:, :2] - center
    radius, angle = np.linalg.norm(flat, axis=1), np.arctan2(flat[:, 0], -flat[:, 1])
    stops = np.linspace(-np.pi, np.pi, 25)

    def ring(height: float) -> FloatArray:
        near = trunk & (np.abs(place[:, 2] - height) < 0.05)
        bins = np.clip(np.digitize(angle[near], stops) - 1, 0, 23)
        widest = np.zeros(24)
        np.maximum.at(widest, bins, radius[near])
        middle = (stops[:-1] + stops[1:]) / 2
        known = widest > 0
        return np.interp(angle, middle[known], widest[known], period=2 * np.pi)

    share = np.clip((0.50 - place[:, 2]) / 0.36, 0, 1)
    wanted = ((1 - share) * ring(0.50) + share * ring(0.14)) * ease
    grow = np.where(
        trunk & (place[:, 2] < 0.50) & (place[:, 2] > low - 0.1), np.maximum(wanted / np.maximum(radius, 1e-6), 1), 1
    )
    out[:, :2] = center + flat * grow[:, None]
    return out


def upper_pieces(rest: FloatArray, look: Appearance) -> list[Piece]:
    """Shirt, jacket or coat on a body in rest pose (V, 3)."""
    assets, coordinates, up = load_assets(), load_coordinates(), look.upper
    faces, place = assets.faces["helper-tights"], neutral_vertices()
    z, trunk = place[:, 2], coordinates.arm_share < 0.5
    cloth = smooth(rest, faces, 6)
    cloth = cloth + vertex_normals(cloth, faces) * _upper_offset(look)[:, None]
    inside = np.zeros(len(rest), bool)
    inside[np.unique(faces)] = True
    cloth = _hang(cloth, place, inside & trunk, up.hem, 0.80 + min(up.loose, 0.04) * 4)
    sleeve = (up.sleeve - coordinates.arm) * 0.5
    hem = z - max(up.hem, 0.045)
    neck = _neckline(up.kind)(place)
    cut = np.where(coordinates.arm_share > 0.5, sleeve, np.minimum(np.minimum(hem, sleeve), neck))
    pieces = [shell(cloth, "helper-tights", inside & (z > -0.1), Material.UPPER, cut)]
    if up.hem < 0.04:
        pieces.append(_coat_tail(rest, look))
    return pieces


def _upper_offset(look: Appearance) -> FloatArray:
    coordinates, up = load_coordinates(), look.upper
    sleeve_end = np.clip(coordinates.arm / max(up.sleeve, 0.2), 0, 1) * (0.012 if up.sleeve < 0.6 else 0.002)
    return np.float32(up.loose) * np.where(coordinates.arm_share > 0.5, 0.8, 1.0) + sleeve_end


_NECKS = {
    "tshirt": (0.775, 0.735, 0.085),
    "polo": (0.805, 0.755, 0.09),
    "shirt": (0.81, 0.76, 0.09),
    "tank": (0.74, 0.66, 0.11),
    "hoodie": (0.815, 0.785, 0.10),
    "jacket": (0.81, 0.775, 0.10),
    "coat": (0.815, 0.775, 0.10),
    "blouse": (0.765, 0.70, 0.095),
    "dress": (0.745, 0.68, 0.10),
}
"""Height of the neckline behind and in front, and its half width."""


def _neckline(kind: str) -> Callable[[FloatArray], FloatArray]:
    back, front, width = _NECKS[kind]

    def above(place: FloatArray) -> FloatArray:
        x, y, z = place[:, 0], place[:, 1], place[:, 2]
        limit = np.interp(y, [-0.09, -0.01, 0.05], [front, (front + back) / 2, back])
        return np.where(np.abs(x) < width * 1.3, limit - z + np.clip(np.abs(x) - 0.05, 0, None) * 0.6, 0.05)

    return above


def _coat_tail(rest: FloatArray, look: Appearance) -> Piece:
    assets, up = load_assets(), look.upper
    faces, z = assets.faces["helper-skirt"], neutral_vertices()[:, 2]
    cloth = rest.copy()
    out = vertex_normals(cloth, faces)
    cloth += out * np.float32(up.loose + 0.022)
    cloth[:, :2] *= np.interp(-z, [-0.3, 0.2, 0.7], [1.0, 0.93, 0.8])[:, None]
    cut = np.minimum(z - up.hem, 0.16 - z)
    inside = np.zeros(len(rest), bool)
    inside[np.unique(faces)] = True
    return shell(cloth, "helper-skirt", inside & (z > up.hem - 0.15) & (z < 0.25), Material.UPPER, cut, two_sided=True)


def lower_pieces(rest: FloatArray, look: Appearance, heads: FloatArray) -> list[Piece]:
    """Trousers, shorts or skirt on a body in rest pose (V, 3) whose joints are ``heads`` (J, 3)."""
    assets, coordinates, low = load_assets(), load_coordinates(), look.lower
    z = neutral_vertices()[:, 2]
    # under a loose shirt there is no waistband to poke through it
    waist = 0.315 if look.upper.hem > 0.2 else max(look.upper.hem, 0.045) + 0.035
    skirt = low.kind == "skirt"
    group = "helper-skirt" if skirt else "helper-tights"
    faces = assets.faces[group]
    inside = np.zeros(len(rest), bool)
    inside[np.unique(faces)] = True
    if skirt:
        cloth = rest + vertex_normals(rest, faces) * np.float32(low.loose)
        widen = 1 + (low.flare - 0.45) * np.interp(-z, [-0.15, 0.1, 0.7], [0.0, 0.25, 0.75])
        cloth[:, :2] *= widen[:, None].astype(np.float32)
        cut = np.minimum(z - low.hem, waist - z)
        return [shell(cloth, group, inside & (z > low.hem - 0.15), Material.LOWER, cut, two_sided=True)]
    cloth = smooth(rest, faces, 3)
    cloth = cloth + vertex_normals(cloth, faces) * np.float32(low.loose)
    if low.kind != "leggings":
        cloth = _straight_legs(cloth, coordinates.leg_share > 0.5, z, heads, low.flare)
    cut = np.where(coordinates.arm_share > 0.3, -1.0, np.minimum(z - low.hem, waist - z))
    return [shell(cloth, group, inside & (z < 0.36), Material.LOWER, cut)]


def _straight_legs(cloth: FloatArray, leg: np.ndarray, z: FloatArray, heads: FloatArray, flare: float) -> FloatArray:
    """Below mid-thigh a trouser leg keeps its width instead of following the calf."""
    assets, out = load_assets(), cloth.copy()
    for side, sign in (("l", 1), ("r", -1)):
        joints = np.stack([heads[assets.bone(f"{name}_{side}")] for name in ("foot", "calf", "thigh")])
        mine = leg & (neutral_vertices()[:, 0] * sign > 0) & (z < 0.0)
        axis = np.stack([np.interp(cloth[mine, 2], joints[:, 2], joints[:, k]) for k in (0, 1)], axis=1)
        flat = cloth[mine, :2] - axis
        radius = np.linalg.norm(flat, axis=1)
        knee = radius[np.abs(z[mine] + 0.26) < 0.06]
        wanted = float(knee.mean()) * np.interp(-z[mine], [0.1, 0.3, 0.75], [1.0, 1.0, 0.82 + 0.45 * flare])
        grow = np.maximum(wanted / np.maximum(radius, 1e-6), 1) * (z[mine] > -0.79) + (z[mine] <= -0.79)
        out[mine, :2] = axis + flat * grow[:, None]
    return out


def shoe_pieces(rest: FloatArray, look: Appearance) -> list[Piece]:
    """Shoes: the feet of the tights, thickened; sandals are only a sole and straps."""
    assets, coordinates = load_assets(), load_coordinates()
    faces, z = assets.faces["helper-tights"], neutral_vertices()[:, 2]
    top = {"sneakers": -0.735, "shoes": -0.75, "boots": -0.60, "sandals": -0.805}[look.shoes]
    thick = {"sneakers": 0.013, "shoes": 0.008, "boots": 0.013, "sandals": 0.006}[look.shoes]
    cloth = smooth(rest, faces, 2) + vertex_normals(rest, faces) * np.float32(thick)
    floor = float(rest[coordinates.leg_share > 0.5, 2].min()) - 0.016
    cloth[:, 2] = np.where(z < -0.80, floor, cloth[:, 2])
    inside = np.zeros(len(rest), bool)
    inside[np.unique(faces)] = True
    return [shell(cloth, "helper-tights", inside & (z < top + 0.06), Material.SHOE, top - z)]


def skin_piece(rest: FloatArray, look: Appearance) -> Piece:
    """The body faces that clothes leave bare, with a margin under each hem."""
    coordinates = load_coordinates()
    z, share = neutral_vertices()[:, 2], coordinates.arm_share
    bare = (z > 0.64) & (share < 0.5)
    bare |= (share > 0.5) & (coordinates.arm > look.upper.sleeve - 0.12)
    low = look.lower.hem + (0.10 if look.lower.kind != "skirt" else 0.2)
    covered = z > -0.72 if look.shoes == "boots" else z > -0.79
    bare |= (coordinates.leg_share > 0.5) & (z < low) & (covered | (look.shoes == "sandals"))
    cut = np.ones(len(rest), np.float32)
    return shell(rest, "body", bare, Material.SKIN, cut)
