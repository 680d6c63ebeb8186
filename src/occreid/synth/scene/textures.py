"""Procedural textures: noise, tiles, bricks, leaves, planks, lettering. All are uint8 RGB images."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from occreid.synth.people.bodies import FloatArray


def noise(rng: np.random.Generator, height: int, width: int, cells: tuple[int, ...] = (4, 8, 16, 32, 64)) -> FloatArray:
    """Cloudy noise (height, width) float32, mean about 0, most values in −1…1."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for cell in cells:
        grid = rng.normal(0, 1, (cell + 1, cell + 1)).astype(np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= 0.6
    return total / 2


def paint(colour: FloatArray, shade: FloatArray) -> np.ndarray:
    """One colour (3,) in [0, 1] times a shade (H, W) around 1 → uint8 (H, W, 3)."""
    return np.clip(np.asarray(colour, np.float32) * shade[..., None] * 255, 0, 255).astype(np.uint8)


def tiles(
    rng: np.random.Generator, colour: FloatArray, size: int, rows: int, columns: int, offset: float, gap: float = 0.7
) -> np.ndarray:
    """Paving or bricks: each tile its own shade, dark joints; offset shifts every second row."""
    shade = np.ones((size, size), np.float32)
    high, wide = size / rows, size / columns
    for r in range(rows):
        for c in range(-1, columns + 1):
            x0 = round((c + (offset if r % 2 else 0)) * wide)
            cv2.rectangle(
                shade,
                (x0, round(r * high)),
                (round(x0 + wide), round((r + 1) * high)),
                float(rng.uniform(0.86, 1.1)),
                -1,
            )
            cv2.rectangle(shade, (x0, round(r * high)), (round(x0 + wide), round((r + 1) * high)), gap, 1)
    return paint(colour, shade * (1 + 0.07 * noise(rng, size, size)))


@lru_cache(maxsize=1)
def _leaf_tile() -> FloatArray:
    """Brightness (256, 256) of foliage: many small ellipses, the lighter ones on top; it tiles."""
    rng, size = np.random.default_rng(11), 256
    tile = np.full((size, size), 0.4, np.float32)
    shades = np.sort(rng.uniform(0.45, 1.35, 3000))
    for light in shades:
        x, y = (int(v) for v in rng.integers(0, size, 2))
        axes = (int(rng.integers(3, 8)), int(rng.integers(2, 4)))
        cv2.ellipse(tile, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, float(light), -1)
    return tile


def leaves(rng: np.random.Generator, colour: FloatArray, size: int) -> np.ndarray:
    """Foliage in a colour's shades, with larger clumps of light and shade."""
    tile = np.roll(_leaf_tile(), tuple(int(v) for v in rng.integers(0, 256, 2)), (0, 1))
    if size != 256:
        tile = cv2.resize(tile[: 2 * size, : 2 * size], (size, size), interpolation=cv2.INTER_AREA)
    return paint(colour, tile * (1 + 0.25 * noise(rng, size, size, (4, 8))))


def planks(rng: np.random.Generator, colour: FloatArray, size: int, count: int, upright: bool) -> np.ndarray:
    """Boards or corrugated metal."""
    shade = np.repeat(rng.uniform(0.8, 1.1, count), -(-size // count))[:size].astype(np.float32)
    shade[:: max(size // count, 1)] *= 0.6
    plane = np.tile(shade, (size, 1)) if upright else np.tile(shade[:, None], (1, size))
    return paint(colour, plane * (1 + 0.06 * noise(rng, size, size)))


def plain(rng: np.random.Generator, colour: FloatArray, size: int, dirt: float = 0.06) -> np.ndarray:
    """A painted surface with some dirt."""
    return paint(
        colour,
        1 + dirt * noise(rng, size, size) - np.float32(dirt) * np.linspace(0, 1, size, dtype=np.float32)[:, None] ** 4,
    )


def lettering(rng: np.random.Generator, colour: FloatArray, ink: FloatArray, size: int) -> np.ndarray:
    """A sign or poster: bars, discs and letters that say nothing."""
    picture = plain(rng, colour, size)
    tone = (np.asarray(ink) * 255).tolist()
    if rng.random() < 0.6:
        cv2.rectangle(picture, (3, 3), (size - 4, size - 4), tone, 2)
    if rng.random() < 0.5:
        cv2.circle(
            picture, (size // 2, size // 3), int(size * rng.uniform(0.12, 0.24)), tone, -1 if rng.random() < 0.5 else 4
        )
    letters = "ABCDEFGHKLMNOPRSTUVXYZ0123456789"
    for row in range(int(rng.integers(1, 5))):
        word = "".join(rng.choice(list(letters), int(rng.integers(2, 7))))
        cv2.putText(
            picture,
            word,
            (8, int(size * (0.55 + 0.12 * row))),
            cv2.FONT_HERSHEY_SIMPLEX,
            float(rng.uniform(0.4, 0.9)) * size / 128,
            tone,
            2,
        )
    return picture
