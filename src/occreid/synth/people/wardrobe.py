"""What clothes there are: colours with their shares, patterns, cuts. Heights as on the neutral body (`coordinates`)."""

from __future__ import annotations

import numpy as np

SLEEVES = {"none": -0.03, "short": 0.36, "elbow": 0.52, "long": 0.97}
LOWER_HEMS = {"hotpants": -0.02, "shorts": -0.17, "knee": -0.29, "cropped": -0.52, "long": -0.76}

CLOTH_COLOURS = {
    "white": (0.90, 0.90, 0.89),
    "black": (0.07, 0.07, 0.08),
    "grey": (0.50, 0.51, 0.52),
    "charcoal": (0.22, 0.23, 0.25),
    "navy": (0.10, 0.13, 0.27),
    "blue": (0.15, 0.32, 0.66),
    "sky": (0.53, 0.70, 0.87),
    "teal": (0.08, 0.46, 0.50),
    "mint": (0.53, 0.82, 0.70),
    "green": (0.13, 0.52, 0.25),
    "olive": (0.37, 0.39, 0.22),
    "lime": (0.68, 0.84, 0.25),
    "yellow": (0.93, 0.80, 0.16),
    "orange": (0.92, 0.47, 0.12),
    "red": (0.78, 0.10, 0.14),
    "wine": (0.42, 0.08, 0.16),
    "pink": (0.93, 0.60, 0.68),
    "magenta": (0.83, 0.18, 0.45),
    "purple": (0.40, 0.19, 0.50),
    "lilac": (0.72, 0.64, 0.85),
    "beige": (0.80, 0.73, 0.60),
    "brown": (0.38, 0.26, 0.17),
    "khaki": (0.62, 0.55, 0.40),
    "cream": (0.93, 0.89, 0.78),
}
UPPER_SHARES = {"white": 5, "black": 5, "grey": 3, "charcoal": 2, "navy": 2, "red": 2.5, "blue": 2.5, "pink": 2}
LOWER_COLOURS = ("black", "charcoal", "navy", "grey", "khaki", "beige", "white", "olive", "brown", "wine", "sky", "red")
LOWER_SHARES = np.array([6, 3, 3, 2, 2, 2, 1.3, 1.3, 1, 0.5, 0.6, 0.5])
JEANS = ((0.17, 0.22, 0.36), (0.28, 0.38, 0.55), (0.42, 0.53, 0.67), (0.10, 0.12, 0.20), (0.60, 0.68, 0.77))
SKINS = (
    (0.93, 0.76, 0.66),
    (0.87, 0.67, 0.54),
    (0.80, 0.60, 0.46),
    (0.66, 0.46, 0.33),
    (0.46, 0.30, 0.21),
    (0.30, 0.19, 0.14),
)
SKIN_SHARES = (0.2, 0.27, 0.25, 0.13, 0.09, 0.06)
HAIRS = (
    (0.05, 0.04, 0.04),
    (0.11, 0.07, 0.05),
    (0.22, 0.14, 0.09),
    (0.38, 0.25, 0.13),
    (0.66, 0.52, 0.30),
    (0.42, 0.17, 0.09),
    (0.60, 0.60, 0.60),
)
HAIR_SHARES = (0.42, 0.22, 0.14, 0.08, 0.06, 0.03, 0.05)
SHOES = (
    (0.92, 0.92, 0.92),
    (0.07, 0.07, 0.07),
    (0.35, 0.22, 0.14),
    (0.45, 0.46, 0.48),
    (0.10, 0.15, 0.35),
    (0.75, 0.12, 0.12),
    (0.86, 0.75, 0.60),
)
SHOE_SHARES = (0.28, 0.33, 0.1, 0.1, 0.07, 0.06, 0.06)

PATTERNS = {
    "tshirt": {"plain": 4, "print": 3.5, "stripes": 1.5, "blocks": 1, "dots": 0.3},
    "polo": {"plain": 3, "stripes": 2, "blocks": 1},
    "shirt": {"plain": 4, "checks": 2.5, "pinstripes": 2},
    "tank": {"plain": 3, "print": 1, "stripes": 1},
    "hoodie": {"plain": 3, "print": 2, "blocks": 1},
    "jacket": {"plain": 4, "blocks": 1.5, "camouflage": 0.3, "denim": 0.8},
    "coat": {"plain": 4, "checks": 0.7},
    "blouse": {"plain": 3, "dots": 1.2, "stripes": 0.8, "camouflage": 0.6},
}
"""Patterns of each upper garment, with their shares."""

SLEEVE_SHARES = {
    "tshirt": {"short": 9, "elbow": 1, "long": 1},
    "polo": {"short": 1},
    "shirt": {"long": 1.3, "short": 1.2, "elbow": 0.6},
    "tank": {"none": 1},
    "blouse": {"none": 0.5, "short": 2, "elbow": 1, "long": 1},
}
"""Sleeves of those upper garments that do not always have long ones."""

UPPER_HEMS = {
    "tshirt": 0.11,
    "polo": 0.12,
    "shirt": 0.13,
    "tank": 0.13,
    "hoodie": 0.12,
    "jacket": 0.11,
    "coat": -0.12,
    "blouse": 0.10,
}
"""Where each upper garment ends."""

UPPER_LOOSE = {
    "tshirt": 0.016,
    "polo": 0.014,
    "shirt": 0.017,
    "tank": 0.008,
    "hoodie": 0.032,
    "jacket": 0.030,
    "coat": 0.036,
    "blouse": 0.014,
}
"""How far it stands off the body, metres."""
