"""Who a generated person is: build, skin, hair, clothes, shoes and what is carried.

Colours are sRGB triples in [0, 1]; heights are metres on the neutral body (see `coordinates`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from occreid.synth.people import wardrobe
from occreid.synth.people.bodies import Phenotype

Colour = tuple[float, float, float]


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
        open: half width of an unbuttoned front, 0 when closed; `cloth.second` shows there, or ``inner``.
        inner: the cloth worn below, which an open front shows.
    """

    kind: str
    cloth: Cloth
    sleeve: float
    hem: float
    loose: float
    open: float
    inner: Cloth | None = None


@dataclass(frozen=True, slots=True)
class Lower:
    """Trousers, shorts or a skirt; attributes as of `Upper`, ``flare`` widens a skirt or a leg."""

    kind: str
    cloth: Cloth
    hem: float
    loose: float
    flare: float


@dataclass(frozen=True, slots=True)
class Extras:
    """Smaller things of the second edition.

    Attributes:
        tights: colour of the legs below shorts, skirts and dresses; sleeves: of the arms below short sleeves.
        sock: colour, and height up to which it reaches (as `Lower.hem`).
        mask: colour of a mask over mouth and nose; glasses: dark ones.
        bag: cloth of the bag; size: of the bag, 1 is usual; side: 1 left, −1 right.
        carried: a second thing, held in the right hand: none, plastic, handbag or parcel; its colour.
    """

    tights: Colour | None = None
    sleeves: Colour | None = None
    sock: tuple[Colour, float] | None = None
    mask: Colour | None = None
    glasses: bool = False
    bag: Cloth | None = None
    size: float = 1.0
    side: int = 1
    carried: str = "none"
    carried_colour: Colour = (0.9, 0.9, 0.9)


@dataclass(frozen=True, slots=True)
class Appearance:
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
    extras: Extras = field(default_factory=Extras)


def jitter(rng: np.random.Generator, colour: Colour, amount: float = 0.05) -> Colour:
    """A shade of a colour: darker or lighter, and a little off its hue; dark colours stay dark."""
    base = np.array(colour) * rng.uniform(1 - amount, 1 + amount)
    r, g, b = np.clip(base + rng.normal(0, amount * 0.35, 3) * (base + 0.03), 0.02, 0.97)
    return float(r), float(g), float(b)


def _cloth_colour(rng: np.random.Generator) -> Colour:
    names = list(wardrobe.CLOTH_COLOURS)
    shares = np.array([wardrobe.UPPER_SHARES.get(name, 1.0) for name in names])
    return jitter(rng, wardrobe.CLOTH_COLOURS[names[int(rng.choice(len(names), p=shares / shares.sum()))]], 0.1)


def pick(rng: np.random.Generator, table: dict[str, float]) -> str:
    """One of the names of a table of shares."""
    shares = np.array(list(table.values()), dtype=float)
    return list(table)[int(rng.choice(len(table), p=shares / shares.sum()))]


def draw_upper(rng: np.random.Generator, female: bool) -> Upper:
    """A random upper garment."""
    kind = pick(
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
    hem = wardrobe.UPPER_HEMS[kind]
    hem += float(rng.uniform(-0.035, 0.04)) - (float(rng.uniform(0, 0.16)) if kind == "coat" else 0)
    if kind in ("shirt", "polo", "tank", "blouse") and rng.random() < 0.4:
        hem = 0.27  # tucked in
    loose = wardrobe.UPPER_LOOSE[kind]
    opening = float(rng.uniform(0.03, 0.075)) if kind in ("jacket", "coat", "hoodie") and rng.random() < 0.55 else 0.0
    cloth = Cloth(
        _cloth_colour(rng),
        _cloth_colour(rng),
        pick(rng, wardrobe.PATTERNS[kind]),
        float(rng.uniform(0.025, 0.075)),
        int(rng.integers(1 << 30)),
    )
    sleeve = wardrobe.SLEEVES[pick(rng, wardrobe.SLEEVE_SHARES.get(kind, {"long": 1}))]
    return Upper(kind, cloth, sleeve, hem, loose * float(rng.uniform(0.8, 1.35)), opening)


def draw_lower(rng: np.random.Generator, female: bool) -> Lower:
    """A random lower garment."""
    kind = pick(rng, {"trousers": 3, "jeans": 3, "shorts": 2.4, "leggings": 0.9 * female, "skirt": 2.2 * female})
    colour = jitter(
        rng,
        wardrobe.CLOTH_COLOURS[
            str(rng.choice(wardrobe.LOWER_COLOURS, p=wardrobe.LOWER_SHARES / wardrobe.LOWER_SHARES.sum()))
        ],
        0.1,
    )
    pattern, flare = "plain", float(rng.uniform(0.0, 0.5))
    if kind == "jeans" or (kind == "shorts" and rng.random() < 0.35):
        colour, pattern = jitter(rng, wardrobe.JEANS[int(rng.integers(len(wardrobe.JEANS)))], 0.1), "denim"
    hem = wardrobe.LOWER_HEMS["long"]
    if kind == "shorts":
        hem = wardrobe.LOWER_HEMS[pick(rng, {"hotpants": 1.2 * female, "shorts": 1.4, "knee": 1.6, "cropped": 0.2})]
        pattern = pick(rng, {pattern: 5, "camouflage": 0.6, "checks": 0.6, "blocks": 0.4})
    if kind == "skirt":
        hem, flare = float(rng.choice([-0.1, -0.2, -0.32, -0.55])), float(rng.uniform(0.1, 0.9))
        pattern = pick(rng, {"plain": 4, "checks": 0.8, "dots": 0.7, "stripes": 0.7, "camouflage": 0.6})
        colour = _cloth_colour(rng) if rng.random() < 0.6 else colour
    if kind in ("trousers", "jeans") and rng.random() < 0.14:
        hem = wardrobe.LOWER_HEMS["cropped"] + float(rng.uniform(-0.1, 0.05))
    loose = {"trousers": 0.014, "jeans": 0.010, "shorts": 0.022, "leggings": 0.002, "skirt": 0.008}[kind] * float(
        rng.uniform(0.6, 1.6)
    )
    cloth = Cloth(colour, _cloth_colour(rng), pattern, float(rng.uniform(0.03, 0.08)), int(rng.integers(1 << 30)))
    return Lower(kind, cloth, hem, loose, flare)


def draw_body(rng: np.random.Generator, female: bool) -> Phenotype:
    """A random build."""
    return Phenotype(
        gender=float(np.clip((1.0 if female else 0.0) + rng.normal(0, 0.08), 0, 1)),
        age=float(np.clip(rng.beta(1.2, 4.5), 0, 1)),
        muscle=float(np.clip(rng.normal(0.5, 0.16), 0, 1)),
        weight=float(np.clip(rng.normal(0.5, 0.2), 0.05, 1)),
        height=float(np.clip(rng.normal(0.5, 0.16), 0, 1)),
        proportions=float(rng.uniform(0.3, 1.0)),
        origins=tuple(float(x) for x in rng.dirichlet((0.5, 0.9, 0.8))),  # type: ignore[arg-type]
    )


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """A random person."""
    female = bool(rng.random() < 0.5)
    body = draw_body(rng, female)
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
    bag = pick(
        rng, {"none": 4.2, "backpack": 2.6, "shoulder": 1.2 + female, "handbag": 0.5 + 0.6 * female, "plastic": 0.5}
    )
    return Appearance(
        body=body,
        scale=float(rng.uniform(0.97, 1.03)),
        skin=jitter(rng, wardrobe.SKINS[int(rng.choice(len(wardrobe.SKINS), p=wardrobe.SKIN_SHARES))], 0.04),
        hair=pick(rng, cuts),
        hair_colour=jitter(rng, wardrobe.HAIRS[int(rng.choice(len(wardrobe.HAIRS), p=wardrobe.HAIR_SHARES))], 0.15),
        upper=upper,
        lower=lower,
        shoes=pick(rng, {"sneakers": 4, "shoes": 2, "sandals": 1, "boots": 0.6}),
        shoe_colour=jitter(rng, wardrobe.SHOES[int(rng.choice(len(wardrobe.SHOES), p=wardrobe.SHOE_SHARES))], 0.1),
        bag=bag,
        bag_colour=_cloth_colour(rng) if bag != "plastic" else jitter(rng, (0.9, 0.9, 0.9), 0.1),
        hat=pick(rng, {"none": 8, "cap": 1, "beanie": 0.35, "sunhat": 0.35}),
        hat_colour=_cloth_colour(rng),
    )


def near_duplicate(look: Appearance, rng: np.random.Generator) -> Appearance:
    """Someone else who wears mostly the same: only one or two things differ (and the body a little)."""
    female = look.body.gender > 0.5
    other = draw_appearance(rng)
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
