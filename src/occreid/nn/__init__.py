"""Network blocks shared by methods."""

from occreid.nn.backbone import create_backbone, set_last_stride
from occreid.nn.bnneck import BNNeck
from occreid.nn.pooling import GeM

__all__ = ["BNNeck", "GeM", "create_backbone", "set_last_stride"]
