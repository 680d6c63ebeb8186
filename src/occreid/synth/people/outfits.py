"""Who people are in the second edition: more kinds of cloth, layers, tights, socks, masks, bags of all sorts.

Colours are sRGB triples in [0, 1]; heights are metres on the neutral body (see `coordinates`).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from occreid.synth.people import wardrobe
from occreid.synth.people.appearance import Appearance, Cloth, Colour, Extras, Lower, Upper, draw_body, jitter, pick
from occreid.synth.people.outfit_tables import (
    BAGS,
    COMMON,
    COMMON_SHARES,
    CUTS,
    DARK_SHARE,
    FREE_COLOURS,
    HAT_SHARES,
    LOWER_KINDS,
    LOWER_PATTERNS,
    LOWER_STAND_OFF,
    NOT_TUCKED,
    OPEN_SHARE,
    SAME_CLOTH,
    SHOE_KINDS,
    UPPER_KINDS,
    UPPER_PATTERNS,
)


def any_colour(rng: np.random.Generator) -> Colour:
    """A colour of cloth: mostly a common one in some shade, else any hue, mostly muted."""
    if rng.random() > FREE_COLOURS:
        return jitter(rng, COMMON[int(rng.choice(len(COMMON), p=COMMON_SHARES))], 0.18)
    hsv = np.array([[[rng.uniform(0, 360), rng.beta(1.3, 1.6), rng.beta(1.7, 1.3) * 0.92 + 0.04]]], np.float32)
    r, g, b = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    return float(r), float(g), float(b)


def _near(rng: np.random.Generator, colour: Colour) -> Colour:
    """Another colour that is often worn with the first: white, black, a shade of it, or any."""
    kind = rng.random()
    if kind < 0.25:
        return jitter(rng, (0.9, 0.9, 0.9), 0.1)
    if kind < 0.4:
        return jitter(rng, (0.09, 0.09, 0.1), 0.3)
    if kind < 0.6:
        return jitter(rng, colour, 0.45)
    return any_colour(rng)


def draw_cloth(rng: np.random.Generator, patterns: dict[str, float]) -> Cloth:
    """Colours and pattern of a garment."""
    colour = any_colour(rng)
    scale = float(np.exp(rng.uniform(np.log(0.018), np.log(0.085))))
    return Cloth(colour, _near(rng, colour), pick(rng, patterns), scale, int(rng.integers(1 << 30)))


def draw_upper(rng: np.random.Generator, female: bool) -> Upper:
    """A garment for the upper body, perhaps open over another one."""
    kind = pick(rng, UPPER_KINDS[int(female)])
    hem = wardrobe.UPPER_HEMS[kind] + float(rng.uniform(-0.06, 0.06))
    if kind == "coat":
        hem -= float(rng.uniform(-0.05, 0.3))
    elif kind not in NOT_TUCKED and rng.random() < 0.3:
        hem = 0.27  # tucked in
    elif kind not in NOT_TUCKED and rng.random() < 0.12:
        hem -= float(rng.uniform(0.05, 0.14))  # a long one, over the hips
    wide = float(rng.uniform(0.025, 0.11)) if rng.random() < OPEN_SHARE.get(kind, 0) else 0.0
    inner = draw_cloth(rng, UPPER_PATTERNS["tshirt"]) if wide else None
    sleeve = wardrobe.SLEEVES[pick(rng, wardrobe.SLEEVE_SHARES.get(kind, {"long": 6, "none": 0.5, "elbow": 0.4}))]
    sleeve += float(rng.normal(0, 0.03))
    cloth = draw_cloth(rng, UPPER_PATTERNS.get(kind, UPPER_PATTERNS["tshirt"]))
    return Upper(kind, cloth, sleeve, hem, wardrobe.UPPER_LOOSE[kind] * float(rng.uniform(0.6, 1.8)), wide, inner)


def draw_lower(rng: np.random.Generator, female: bool) -> Lower:
    """Trousers, jeans, shorts, leggings or a skirt."""
    kind = pick(rng, LOWER_KINDS[int(female)])
    cloth = draw_cloth(rng, LOWER_PATTERNS.get(kind, LOWER_PATTERNS["trousers"]))
    if rng.random() < DARK_SHARE and kind != "skirt":
        dark = rng.uniform(0.05, 0.28) * (1 + rng.normal(0, 0.12, 3))
        cloth = replace(cloth, colour=tuple(float(c) for c in np.clip(dark, 0.02, 0.6)))
    if kind == "jeans" or (kind == "shorts" and rng.random() < 0.3):
        cloth = replace(
            cloth, colour=jitter(rng, wardrobe.JEANS[int(rng.integers(len(wardrobe.JEANS)))], 0.2), pattern="denim"
        )
    hem, flare = wardrobe.LOWER_HEMS["long"], float(rng.uniform(0.0, 0.8))
    if kind == "shorts":
        cut = pick(rng, {"hotpants": 1.6 * female, "shorts": 1.4, "knee": 1.6, "cropped": 0.3})
        hem = wardrobe.LOWER_HEMS[cut] + float(rng.normal(0, 0.03))
    elif kind == "skirt":
        hem, flare = float(rng.uniform(-0.62, -0.06)), float(rng.uniform(0.05, 1.0))
    elif rng.random() < 0.2:
        hem = wardrobe.LOWER_HEMS["cropped"] + float(rng.uniform(-0.14, 0.05))
    return Lower(kind, cloth, hem, LOWER_STAND_OFF[kind] * float(rng.uniform(0.5, 2.0)), flare)


def _as_dress(rng: np.random.Generator, upper: Upper, lower: Lower) -> tuple[Upper, Lower]:
    """The same cloth above and below."""
    hem, flare = float(rng.uniform(-0.55, -0.08)), float(rng.uniform(0.1, 0.9))
    lower = replace(lower, kind="skirt", cloth=upper.cloth, hem=hem, flare=flare, loose=0.01)
    return replace(upper, kind="dress", hem=0.22, open=0.0, inner=None), lower


def draw_extras(rng: np.random.Generator, female: bool, lower: Lower) -> Extras:
    """Tights, socks, a mask, a bag's cloth, a second thing in a hand."""
    legs_bare = lower.hem > -0.6
    tights = jitter(rng, (0.07, 0.07, 0.08), 0.4) if female and legs_bare and rng.random() < 0.16 else None
    sock = None
    if tights is None and legs_bare and rng.random() < 0.5:
        sock = (_near(rng, (0.5, 0.5, 0.5)), float(rng.choice([-0.70, -0.66, -0.55, -0.36], p=[0.4, 0.35, 0.15, 0.1])))
    return Extras(
        tights=tights,
        sleeves=any_colour(rng) if rng.random() < 0.05 else None,
        sock=sock,
        mask=jitter(rng, (0.75, 0.82, 0.88), 0.15) if rng.random() < 0.04 else None,
        glasses=bool(rng.random() < 0.06),
        bag=draw_cloth(rng, {"plain": 3, "sided": 0.5, "washed": 1, "patches": 0.4, "rows": 0.4, "flowers": 0.3}),
        size=float(rng.uniform(0.75, 1.25)),
        side=int(rng.choice([-1, 1])),
        carried=pick(rng, {"none": 10, "plastic": 1.0, "handbag": 0.7, "parcel": 0.4}),
        carried_colour=_near(rng, (0.9, 0.9, 0.9)),
    )


def draw_person(rng: np.random.Generator) -> Appearance:
    """A random person of the second edition."""
    female = bool(rng.random() < 0.5)
    body = draw_body(rng, female)
    upper, lower = draw_upper(rng, female), draw_lower(rng, female)
    if female and upper.kind in ("blouse", "tank", "tshirt") and rng.random() < 0.25:
        upper, lower = _as_dress(rng, upper, lower)
    elif rng.random() < SAME_CLOTH:  # a suit or an overall
        lower = replace(lower, cloth=replace(upper.cloth, pattern="plain"))
    bags = {name: shares[int(female)] for name, shares in BAGS.items()}
    return Appearance(
        body=body,
        scale=float(rng.uniform(0.96, 1.04)),
        skin=jitter(rng, wardrobe.SKINS[int(rng.choice(len(wardrobe.SKINS), p=wardrobe.SKIN_SHARES))], 0.06),
        hair=pick(rng, CUTS[int(female)]),
        hair_colour=jitter(rng, wardrobe.HAIRS[int(rng.choice(len(wardrobe.HAIRS), p=wardrobe.HAIR_SHARES))], 0.25),
        upper=upper,
        lower=lower,
        shoes=pick(rng, SHOE_KINDS),
        shoe_colour=any_colour(rng)
        if rng.random() < 0.25
        else jitter(rng, wardrobe.SHOES[int(rng.choice(len(wardrobe.SHOES), p=wardrobe.SHOE_SHARES))], 0.15),
        bag=pick(rng, bags),
        bag_colour=any_colour(rng),
        hat=pick(rng, HAT_SHARES),
        hat_colour=any_colour(rng),
        extras=draw_extras(rng, female, lower),
    )


def similar_person(look: Appearance, rng: np.random.Generator) -> Appearance:
    """Somebody else who wears mostly the same: another garment above or below, other smaller things."""
    other, female = draw_person(rng), look.body.gender > 0.5
    body = replace(look.body, weight=other.body.weight, height=other.body.height)
    changed = replace(look, body=body, skin=other.skin, scale=other.scale, hair_colour=other.hair_colour)
    if rng.random() < 0.5:
        changed = replace(changed, bag=other.bag, bag_colour=other.bag_colour, extras=other.extras)
    if rng.random() < 0.5:
        changed = replace(changed, shoes=other.shoes, shoe_colour=other.shoe_colour)
    if look.upper.kind == "dress":
        upper, lower = _as_dress(rng, replace(look.upper, cloth=draw_upper(rng, female).cloth), look.lower)
        return replace(changed, upper=upper, lower=lower)
    if rng.random() < 0.5:
        return replace(changed, upper=draw_upper(rng, female))
    return replace(changed, lower=draw_lower(rng, female))
