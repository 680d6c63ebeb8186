"""Cut-out textures (RGBA) of things with ragged outlines: foliage, bicycles, umbrellas, glass fronts."""

from __future__ import annotations

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray
from occreid.synth.scene import textures


def foliage(rng: np.random.Generator, colour: FloatArray, size: int = 96, *, trunk: bool = False) -> np.ndarray:
    """A bush (or the crown of a tree with its trunk): round clumps of leaves with a ragged edge."""
    picture = textures.leaves(rng, colour, size)
    alpha = np.zeros((size, size), np.uint8)
    low = 0.62 if trunk else 1.0
    for _ in range(26):
        x, y = rng.normal(0.5, 0.17), rng.uniform(0.14, 0.9) * low
        radius = int(size * rng.uniform(0.07, 0.17))
        cv2.circle(alpha, (int(x * size), int(y * size)), radius, 255, -1)
    holes = textures.noise(rng, size, size, (16, 32)) > 1.15
    alpha[holes] = 0
    if trunk:
        bark = (np.array([0.32, 0.25, 0.19]) * 255 * rng.uniform(0.7, 1.3)).clip(0, 255).tolist()
        wide = max(int(size * 0.045), 2)
        cv2.rectangle(alpha, (size // 2 - wide, int(size * 0.5)), (size // 2 + wide, size), 255, -1)
        below = np.zeros_like(alpha)
        cv2.rectangle(below, (size // 2 - wide, int(size * 0.6)), (size // 2 + wide, size), 255, -1)
        picture[below > 0] = bark
    return np.dstack([picture, alpha])


def bicycle(rng: np.random.Generator, colour: FloatArray, width: int = 160) -> np.ndarray:
    """A parked bicycle from the side, 1.75 m by 1.05 m."""
    height = int(width * 0.6)
    picture = np.zeros((height, width, 3), np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    radius, base = int(width * 0.19), height - int(width * 0.2)
    back, front = (int(width * 0.2), base), (int(width * 0.8), base)
    crank, seat, head = (
        (int(width * 0.44), base),
        (int(width * 0.36), int(height * 0.32)),
        (int(width * 0.72), int(height * 0.22)),
    )
    rgb = (np.asarray(colour) * 255).tolist()

    def line(a: tuple[int, int], b: tuple[int, int], tone: list[float], thick: int) -> None:
        cv2.line(picture, a, b, tone, thick, cv2.LINE_AA)
        cv2.line(alpha, a, b, 255, thick)

    for center in (back, front):
        cv2.circle(picture, center, radius, (28, 28, 28), 4, cv2.LINE_AA)
        cv2.circle(alpha, center, radius, 255, 4)
        for angle in np.linspace(0, np.pi, 7)[:-1]:
            tip = (int(radius * np.cos(angle)), int(radius * np.sin(angle)))
            line((center[0] - tip[0], center[1] - tip[1]), (center[0] + tip[0], center[1] + tip[1]), [150, 150, 155], 1)
    for a, b in ((back, crank), (back, seat), (crank, seat), (crank, head), (seat, head), (head, front)):
        line(a, b, rgb, 4)
    line((seat[0] - 8, seat[1] - 4), (seat[0] + 8, seat[1] - 4), [20, 20, 20], 6)
    line(head, (head[0] - 4, int(height * 0.08)), [60, 60, 60], 3)
    line((head[0] - 14, int(height * 0.08)), (head[0] + 6, int(height * 0.06)), [30, 30, 30], 4)
    if rng.random() < 0.5:  # basket
        corner = (int(width * 0.76), int(height * 0.14))
        cv2.rectangle(
            picture, corner, (corner[0] + int(width * 0.16), corner[1] + int(width * 0.12)), (120, 120, 115), -1
        )
        cv2.rectangle(alpha, corner, (corner[0] + int(width * 0.16), corner[1] + int(width * 0.12)), 255, -1)
    return np.dstack([picture, alpha])


def umbrella(rng: np.random.Generator, colour: FloatArray, second: FloatArray, width: int = 128) -> np.ndarray:
    """An open umbrella from the side."""
    height = width // 2
    picture, alpha = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    middle, ribs = width // 2, int(rng.integers(6, 9))
    cv2.ellipse(alpha, (middle, height - 2), (middle - 1, height - 4), 0, 180, 360, 255, -1)
    for k in range(ribs):
        a, b = 180 + 180 * k / ribs, 180 + 180 * (k + 1) / ribs
        tone = np.asarray(colour if k % 2 else second) * rng.uniform(0.85, 1.1) * 255
        cv2.ellipse(picture, (middle, height - 2), (middle, height), 0, a, b, tone.clip(0, 255).tolist(), -1)
        edge = np.radians((a + b) / 2)
        cv2.circle(alpha, (int(middle + middle * 0.98 * np.cos(edge)), height + 1), width // (2 * ribs), 0, -1)
    return np.dstack([picture, alpha])


def facade(rng: np.random.Generator, colour: FloatArray, size: int = 160) -> np.ndarray:
    """A stretch of building front, opaque: wall with windows, a shop window or a door."""
    wall = textures.tiles(
        rng, colour, size, int(rng.integers(6, 22)), int(rng.integers(3, 10)), 0.5, float(rng.uniform(0.75, 0.95))
    )
    glass = np.array([0.16, 0.2, 0.24]) * rng.uniform(0.5, 2.2)
    kind = int(rng.integers(4))
    spots = {
        0: [(0.12, 0.1, 0.42, 0.45), (0.58, 0.1, 0.88, 0.45)],
        1: [(0.06, 0.32, 0.94, 0.93)],
        2: [(0.32, 0.4, 0.68, 1.0)],
        3: [],
    }[kind]
    for x0, y0, x1, y1 in spots:
        a, b = (int(x0 * size), int(y0 * size)), (int(x1 * size), int(y1 * size))
        pane = textures.paint(glass, 1 + 0.5 * textures.noise(rng, b[1] - a[1], b[0] - a[0], (2, 4, 8)))
        wall[a[1] : b[1], a[0] : b[0]] = pane
        cv2.rectangle(wall, a, b, (np.asarray(colour) * rng.uniform(90, 250)).clip(0, 255).tolist(), 3)
        cv2.line(wall, ((a[0] + b[0]) // 2, a[1]), ((a[0] + b[0]) // 2, b[1]), (90, 90, 90), 2)
    if kind == 1:
        sign = textures.lettering(rng, rng.uniform(0.1, 0.9, 3), rng.uniform(0, 1, 3), 96)
        wall[int(0.1 * size) : int(0.26 * size), int(0.1 * size) : int(0.9 * size)] = cv2.resize(
            sign[40:90], (int(0.9 * size) - int(0.1 * size), int(0.26 * size) - int(0.1 * size))
        )
    return wall
