"""Whole pictures and videos: where persons stand in them, cut out and found again."""

from occreid.scenes.boxes import Box
from occreid.scenes.crops import Crop, crop_persons, write_crops
from occreid.scenes.detectors import open_boxes
from occreid.scenes.frames import Frame, frames_of

__all__ = ["Box", "Crop", "Frame", "crop_persons", "frames_of", "open_boxes", "write_crops"]
