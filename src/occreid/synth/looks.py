"""Who a generated person is: build, skin, hair, clothes, shoes and what is carried.

Colours are sRGB triples in [0, 1]; heights are metres on the neutral body (see `places`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from occreid.synth.bodies import Phenotype

Colour = tuple[float, float, float]

SLEEVES = {"none": -0.03, "short": 0.36, "elbow": 0.52, "long": 0.97}
LOWER_HEMS = {"hotpants": -0.02, "shorts": -0.17, "knee": -0.29, "cropped": -0.52, "long": -0.76}

_CLOTH = {
    "white": (0.90, 0.90, 0.89), "black": (0.07, 0.07, 0.08), "grey": (0.50, 0.51, 0.52), "charcoal": (0.22, 0.23, 0.25),
    "navy": (0.10, 0.13, 0.27), "blue": (0.15, 0.32, 0.66), "sky": (0.53, 0.70, 0.87), "teal": (0.08, 0.46, 0.50),
    "mint": (0.53, 0.82, 0.70), "green": (0.13, 0.52, 0.25), "olive": (0.37, 0.39, 0.22), "lime": (0.68, 0.84, 0.25),
    "yellow": (0.93, 0.80, 0.16), "orange": (0.92, 0.47, 0.12), "red": (0.78, 0.10, 0.14), "wine": (0.42, 0.08, 0.16),
    "pink": (0.93, 0.60, 0.68), "magenta": (0.83, 0.18, 0.45), "purple": (0.40, 0.19, 0.50), "lilac": (0.72, 0.64, 0.85),
    "beige": (0.80, 0.73, 0.60), "brown": (0.38, 0.26, 0.17), "khaki": (0.62, 0.55, 0.40), "cream": (0.93, 0.89, 0.78),
}  # fmt: skip
_UPPER_SHARES = {"white": 5, "black": 5, "grey": 3, "charcoal": 2, "navy": 2, "red": 2.5, "blue": 2.5, "pink": 2}
_LOWER = ("black", "charcoal", "navy", "grey", "khaki", "beige", "white", "olive", "brown", "wine", "sky", "red")
_LOWER_P = np.array([6, 3, 3, 2, 2, 2, 1.3, 1.3, 1, 0.5, 0.6, 0.5])
_JEANS = ((0.17, 0.22, 0.36), (0.28, 0.38, 0.55), (0.42, 0.53, 0.67), (0.10, 0.12, 0.20), (0.60, 0.68, 0.77))
_SKIN = (
    (0.93, 0.76, 0.66),
    (0.87, 0.67, 0.54),
    (0.80, 0.60, 0.46),
    (0.66, 0.46, 0.33),
    (0.46, 0.30, 0.21),
    (0.30, 0.19, 0.14),
)
_SKIN_P = (0.2, 0.27, 0.25, 0.13, 0.09, 0.06)
_HAIR = (
    (0.05, 0.04, 0.04),
    (0.11, 0.07, 0.05),
    (0.22, 0.14, 0.09),
    (0.38, 0.25, 0.13),
    (0.66, 0.52, 0.30),
    (0.42, 0.17, 0.09),
    (0.60, 0.60, 0.60),
)
_HAIR_P = (0.42, 0.22, 0.14, 0.08, 0.06, 0.03, 0.05)
_SHOES = (
    (0.92, 0.92, 0.92),
    (0.07, 0.07, 0.07),
    (0.35, 0.22, 0.14),
    (0.45, 0.46, 0.48),
    (0.10, 0.15, 0.35),
    (0.75, 0.12, 0.12),
    (0.86, 0.75, 0.60),
)
_SHOES_P = (0.28, 0.33, 0.1, 0.1, 0.07, 0.06, 0.06)


@dataclass(frozen=True, slots=True)
class Cloth:
    """Colour and pattern of a garment.

    Attributes:
        colour, second: main colour, and the pattern's or the lining's.
        pattern: plain, stripes, pinstripes, checks, print, blocks, dots, camouflage or denim.
        scale: size of the pattern in metres.
        seed: which print, which noise.
    """

    colour: Colour
    second: Colour
    pattern: str
    scale: float
    seed: int


@dataclass(frozen=True, slots=True)
class Upper:
    """T-shirt, shirt, polo, tank, hoodie, jacket, coat or dress top.

    Attributes:
        kind: its name.
        cloth: colour and pattern.
        sleeve: where the sleeve ends: 0 shoulder … 1 wrist.
        hem: height of its lower end.
        loose: metres it stands off the body.
        open: half width of an unbuttoned front, 0 when closed; `cloth.second` shows there.
    """

    kind: str
    cloth: Cloth
    sleeve: float
    hem: float
    loose: float
    open: float


@dataclass(frozen=True, slots=True)
class Lower:
    """Trousers, shorts or a skirt; attributes as of `Upper`, ``flare`` widens a skirt or a leg."""

    kind: str
    cloth: Cloth
    hem: float
    loose: float
    flare: float


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that makes an identity recognisable."""

    body: Phenotype
    scale: float
    skin: Colour
    hair: str
    hair_colour: Colour
    upper: Upper
    lower: Lower
    shoes: str
    shoe_colour: Colour
    bag: str
    bag_colour: Colour
    hat: str
    hat_colour: Colour


def _jitter(rng: np.random.Generator, colour: Colour, amount: float = 0.05) -> Colour:
    """A shade of a colour: darker or lighter, and a little off its hue; dark colours stay dark."""
    base = np.array(colour) * rng.uniform(1 - amount, 1 + amount)
    r, g, b = np.clip(base + rng.normal(0, amount * 0.35, 3) * (base + 0.03), 0.02, 0.97)
    return float(r), float(g), float(b)


def _cloth_colour(rng: np.random.Generator) -> Colour:
    names = list(_CLOTH)
    shares = np.array([_UPPER_SHARES.get(name, 1.0) for name in names])
    return _jitter(rng, _CLOTH[names[int(rng.choice(len(names), p=shares / shares.sum()))]], 0.1)


def _pick(rng: np.random.Generator, table: dict[str, float]) -> str:
    shares = np.array(list(table.values()), dtype=float)
    return list(table)[int(rng.choice(len(table), p=shares / shares.sum()))]


def draw_upper(rng: np.random.Generator, female: bool) -> Upper:
    """A random upper garment."""
    kind = _pick(
        rng,
        {
            "tshirt": 4.2,
            "polo": 1.2,
            "shirt": 1.8,
            "tank": 0.5 + 0.7 * female,
            "hoodie": 1.2,
            "jacket": 1.5,
            "coat": 0.8,
            "blouse": 1.2 * female,
        },
    )
    patterns = {
        "tshirt": {"plain": 4, "print": 3.5, "stripes": 1.5, "blocks": 1, "dots": 0.3},
        "polo": {"plain": 3, "stripes": 2, "blocks": 1},
        "shirt": {"plain": 4, "checks": 2.5, "pinstripes": 2},
        "tank": {"plain": 3, "print": 1, "stripes": 1},
        "hoodie": {"plain": 3, "print": 2, "blocks": 1},
        "jacket": {"plain": 4, "blocks": 1.5, "camouflage": 0.3, "denim": 0.8},
        "coat": {"plain": 4, "checks": 0.7},
        "blouse": {"plain": 3, "dots": 1.2, "stripes": 0.8, "camouflage": 0.6},
    }[kind]
    sleeves = {"tshirt": {"short": 9, "elbow": 1, "long": 1}, "polo": {"short": 1}, "shirt": {"long": 1.3, "short": 1.2, "elbow": 0.6},
               "tank": {"none": 1}, "blouse": {"none": 0.5, "short": 2, "elbow": 1, "long": 1}}.get(kind, {"long": 1})  # fmt: skip
    hem = {
        "tshirt": 0.11,
        "polo": 0.12,
        "shirt": 0.13,
        "tank": 0.13,
        "hoodie": 0.12,
        "jacket": 0.11,
        "coat": -0.12,
        "blouse": 0.10,
    }[kind]
    hem += float(rng.uniform(-0.035, 0.04)) - (float(rng.uniform(0, 0.16)) if kind == "coat" else 0)
    if kind in ("shirt", "polo", "tank", "blouse") and rng.random() < 0.4:
        hem = 0.27  # tucked in
    loose = {
        "tshirt": 0.016,
        "polo": 0.014,
        "shirt": 0.017,
        "tank": 0.008,
        "hoodie": 0.032,
        "jacket": 0.030,
        "coat": 0.036,
        "blouse": 0.014,
    }[kind]
    opening = float(rng.uniform(0.03, 0.075)) if kind in ("jacket", "coat", "hoodie") and rng.random() < 0.55 else 0.0
    cloth = Cloth(
        _cloth_colour(rng),
        _cloth_colour(rng),
        _pick(rng, patterns),
        float(rng.uniform(0.025, 0.075)),
        int(rng.integers(1 << 30)),
    )
    sleeve = SLEEVES[_pick(rng, sleeves)]
    return Upper(kind, cloth, sleeve, hem, loose * float(rng.uniform(0.8, 1.35)), opening)


def draw_lower(rng: np.random.Generator, female: bool) -> Lower:
    """A random lower garment."""
    kind = _pick(rng, {"trousers": 3, "jeans": 3, "shorts": 2.4, "leggings": 0.9 * female, "skirt": 2.2 * female})
    colour = _jitter(rng, _CLOTH[str(rng.choice(_LOWER, p=_LOWER_P / _LOWER_P.sum()))], 0.1)
    pattern, flare = "plain", float(rng.uniform(0.0, 0.5))
    if kind == "jeans" or (kind == "shorts" and rng.random() < 0.35):
        colour, pattern = _jitter(rng, _JEANS[int(rng.integers(len(_JEANS)))], 0.1), "denim"
    hem = LOWER_HEMS["long"]
    if kind == "shorts":
        hem = LOWER_HEMS[_pick(rng, {"hotpants": 1.2 * female, "shorts": 1.4, "knee": 1.6, "cropped": 0.2})]
        pattern = _pick(rng, {pattern: 5, "camouflage": 0.6, "checks": 0.6, "blocks": 0.4})
    if kind == "skirt":
        hem, flare = float(rng.choice([-0.1, -0.2, -0.32, -0.55])), float(rng.uniform(0.1, 0.9))
        pattern = _pick(rng, {"plain": 4, "checks": 0.8, "dots": 0.7, "stripes": 0.7, "camouflage": 0.6})
        colour = _cloth_colour(rng) if rng.random() < 0.6 else colour
    if kind in ("trousers", "jeans") and rng.random() < 0.14:
        hem = LOWER_HEMS["cropped"] + float(rng.uniform(-0.1, 0.05))
    loose = {"trousers": 0.014, "jeans": 0.010, "shorts": 0.022, "leggings": 0.002, "skirt": 0.008}[kind] * float(
        rng.uniform(0.6, 1.6)
    )
    cloth = Cloth(colour, _cloth_colour(rng), pattern, float(rng.uniform(0.03, 0.08)), int(rng.integers(1 << 30)))
    return Lower(kind, cloth, hem, loose, flare)


def draw_look(rng: np.random.Generator) -> Look:
    """A random person."""
    female = bool(rng.random() < 0.5)
    body = Phenotype(
        gender=float(np.clip((1.0 if female else 0.0) + rng.normal(0, 0.08), 0, 1)),
        age=float(np.clip(rng.beta(1.2, 4.5), 0, 1)),
        muscle=float(np.clip(rng.normal(0.5, 0.16), 0, 1)),
        weight=float(np.clip(rng.normal(0.5, 0.2), 0.05, 1)),
        height=float(np.clip(rng.normal(0.5, 0.16), 0, 1)),
        proportions=float(rng.uniform(0.3, 1.0)),
        origins=tuple(float(x) for x in rng.dirichlet((0.5, 0.9, 0.8))),  # type: ignore[arg-type]
    )
    upper, lower = draw_upper(rng, female), draw_lower(rng, female)
    if female and upper.kind in ("blouse", "tank", "tshirt") and rng.random() < 0.22:
        lower = replace(
            lower,
            kind="skirt",
            cloth=upper.cloth,
            hem=float(rng.uniform(-0.4, -0.12)),
            flare=float(rng.uniform(0.1, 0.7)),
            loose=0.01,
        )
        upper = replace(upper, kind="dress", hem=0.22)
    cuts = (
        {"long": 3.0, "bob": 2.0, "ponytail": 2.4, "bun": 0.8, "short": 0.6}
        if female
        else {"short": 5.0, "crop": 3.0, "bald": 0.5, "bob": 0.3, "full": 1.5}
    )
    bag = _pick(
        rng, {"none": 4.2, "backpack": 2.6, "shoulder": 1.2 + female, "handbag": 0.5 + 0.6 * female, "plastic": 0.5}
    )
    return Look(
        body=body,
        scale=float(rng.uniform(0.97, 1.03)),
        skin=_jitter(rng, _SKIN[int(rng.choice(len(_SKIN), p=_SKIN_P))], 0.04),
        hair=_pick(rng, cuts),
        hair_colour=_jitter(rng, _HAIR[int(rng.choice(len(_HAIR), p=_HAIR_P))], 0.15),
        upper=upper,
        lower=lower,
        shoes=_pick(rng, {"sneakers": 4, "shoes": 2, "sandals": 1, "boots": 0.6}),
        shoe_colour=_jitter(rng, _SHOES[int(rng.choice(len(_SHOES), p=_SHOES_P))], 0.1),
        bag=bag,
        bag_colour=_cloth_colour(rng) if bag != "plastic" else _jitter(rng, (0.9, 0.9, 0.9), 0.1),
        hat=_pick(rng, {"none": 8, "cap": 1, "beanie": 0.35, "sunhat": 0.35}),
        hat_colour=_cloth_colour(rng),
    )


def near_duplicate(look: Look, rng: np.random.Generator) -> Look:
    """Someone else who wears mostly the same: only one or two things differ (and the body a little)."""
    female = look.body.gender > 0.5
    other = draw_look(rng)
    changes: dict[str, object] = {"skin": other.skin, "scale": other.scale}
    if rng.random() < 0.6:
        fresh = draw_upper(rng, female)
        keep_lower = look.lower if look.upper.kind != "dress" else draw_lower(rng, female)
        changes |= {"upper": fresh, "lower": keep_lower}
    elif look.upper.kind != "dress":
        changes |= {"lower": draw_lower(rng, female)}
    if rng.random() < 0.5:
        changes |= {"bag": other.bag, "bag_colour": other.bag_colour}
    if rng.random() < 0.5:
        changes |= {"hair_colour": other.hair_colour, "shoe_colour": other.shoe_colour}
    body = replace(look.body, weight=other.body.weight, height=other.body.height)
    return replace(look, body=body, **changes)  # type: ignore[arg-type]
