"""Shares of garments, colours, patterns and bags in the second edition; pairs are (men, women)."""

from __future__ import annotations

import numpy as np

FREE_COLOURS = 0.3
"""Share of garments in any colour rather than a common one."""
COMMON = (
    (0.90, 0.90, 0.89), (0.07, 0.07, 0.08), (0.50, 0.51, 0.52), (0.22, 0.23, 0.25), (0.72, 0.73, 0.74),
    (0.10, 0.13, 0.27), (0.15, 0.32, 0.66), (0.53, 0.70, 0.87), (0.08, 0.46, 0.50), (0.13, 0.52, 0.25),
    (0.37, 0.39, 0.22), (0.93, 0.80, 0.16), (0.92, 0.47, 0.12), (0.78, 0.10, 0.14), (0.42, 0.08, 0.16),
    (0.93, 0.60, 0.68), (0.83, 0.18, 0.45), (0.40, 0.19, 0.50), (0.72, 0.64, 0.85), (0.80, 0.73, 0.60),
    (0.38, 0.26, 0.17), (0.62, 0.55, 0.40), (0.93, 0.89, 0.78), (0.53, 0.82, 0.70),
)  # fmt: skip
_SHARES = np.array(
    [10, 7, 3, 1.5, 2, 2.5, 3, 1.6, 1, 1, 0.8, 1.6, 1.2, 2.4, 0.7, 1.4, 0.8, 0.7, 0.6, 1, 0.8, 1, 1.2, 0.7]
)
COMMON_SHARES = _SHARES / _SHARES.sum()
DARK_SHARE = 0.42
"""Share of trousers, shorts and leggings that are black or nearly."""
SAME_CLOTH = 0.05

UPPER_KINDS = (
    {"tshirt": 4.5, "polo": 1.5, "shirt": 1.8, "tank": 0.5, "hoodie": 1.0, "jacket": 1.5, "coat": 0.5},
    {"tshirt": 4.0, "polo": 0.5, "shirt": 1.0, "tank": 1.0, "hoodie": 0.8, "jacket": 1.3, "coat": 0.8, "blouse": 2.0},
)
NOT_TUCKED = ("hoodie", "jacket", "coat")
OPEN_SHARE = {"jacket": 0.55, "coat": 0.5, "hoodie": 0.35, "shirt": 0.12}
"""How often a garment stands open."""
LOWER_KINDS = (
    {"trousers": 3.2, "jeans": 2.8, "shorts": 3.0},
    {"trousers": 2.2, "jeans": 2.4, "shorts": 2.4, "leggings": 1.3, "skirt": 2.4},
)
LOWER_STAND_OFF = {"trousers": 0.014, "jeans": 0.010, "shorts": 0.022, "leggings": 0.002, "skirt": 0.008}

_ALLOVER = {"rows": 1.0, "columns": 0.3, "plaid": 0.4, "flowers": 0.35, "patches": 0.12, "spotted": 0.2, "zigzag": 0.1}
_MOTIFS = {"motif": 3.0, "motif on rows": 0.15, "motif on heather": 0.7}
UPPER_PATTERNS = {
    "tshirt": {"plain": 5.0, "heather": 0.8, "washed": 0.2, "raglan": 0.8, "dyed": 0.2, **_ALLOVER, **_MOTIFS},
    "polo": {"plain": 4, "rows": 1.6, "raglan": 0.8, "sided": 0.4, "motif": 0.6},
    "shirt": {"plain": 5, "plaid": 2.2, "columns": 1.2, "rows": 0.3, "flowers": 0.4, "checks": 0.8, "pinstripes": 1},
    "tank": {"plain": 4, "rows": 0.8, "motif": 1.2, "flowers": 0.4, "washed": 0.2},
    "hoodie": {"plain": 3.5, "heather": 1.5, "motif": 1.5, "raglan": 0.8, "sided": 0.5, "patches": 0.15},
    "jacket": {"plain": 5, "raglan": 1.0, "sided": 0.8, "denim": 0.6, "patches": 0.2, "motif": 0.4, "plaid": 0.3},
    "coat": {"plain": 5, "plaid": 0.6, "heather": 0.8, "dyed": 0.1},
    "blouse": {"plain": 4, "flowers": 1.2, "spotted": 0.6, "rows": 0.8, "columns": 0.4, "dyed": 0.3, "patches": 0.2},
}
LOWER_PATTERNS = {
    "trousers": {"plain": 9, "sided": 0.9, "heather": 0.5, "plaid": 0.25, "patches": 0.15, "columns": 0.15},
    "shorts": {"plain": 6.5, "sided": 0.8, "plaid": 0.6, "patches": 0.3, "flowers": 0.3, "washed": 0.2},
    "leggings": {"plain": 7, "sided": 0.8, "flowers": 0.3, "patches": 0.15, "zigzag": 0.1},
    "skirt": {"plain": 4.5, "flowers": 1.0, "rows": 0.8, "plaid": 0.7, "spotted": 0.4, "dyed": 0.2, "zigzag": 0.1},
}
SHOE_KINDS = {"sneakers": 4, "shoes": 2, "sandals": 1.2, "boots": 0.5}
CUTS = (
    {"short": 5.0, "crop": 3.0, "bald": 0.5, "bob": 0.2, "full": 1.5},
    {"long": 3.0, "bob": 1.8, "ponytail": 2.6, "bun": 0.9, "short": 0.7},
)
BAGS = {
    "none": (5.0, 3.0), "backpack": (2.6, 2.0), "shoulder": (1.2, 2.2), "handbag": (0.4, 1.3), "plastic": (0.6, 0.6),
}  # fmt: skip
HAT_SHARES = {"none": 8.5, "cap": 0.8, "beanie": 0.2, "sunhat": 0.35}
