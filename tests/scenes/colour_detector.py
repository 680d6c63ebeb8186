"""A detector of somebody's own: whatever is coloured is a person."""

import cv2
import numpy as np


def find(pixels):
    coloured = (np.ptp(pixels.astype(int), axis=2) > 80).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(coloured)
    boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:count].tolist() if area > 200]
    return boxes, [0.9] * len(boxes)


class Finder:
    def __call__(self, pixels):
        return find(pixels)


def rubbish(pixels):
    return "no boxes"


def sizes(pixels):
    return [(50, 50, 20, 60)], [0.9]


def percent(pixels):
    return [(0, 0, 20, 60)], [90]


def nowhere(pixels):
    return [(0, 0, np.nan, 60)], [0.9]


number = 7


def burns(pixels):
    raise RuntimeError("the weights are on fire")


class Unmade:
    def __init__(self):
        raise OSError("no weights")
