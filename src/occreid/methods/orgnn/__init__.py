"""OR-GNN: reconstruct hidden parts from the neighbourhood."""

from occreid.methods.orgnn.method import OrGnn
from occreid.methods.orgnn.reconstruction import MODES, Mode, Reconstruction, reconstruct

__all__ = ["MODES", "Mode", "OrGnn", "Reconstruction", "reconstruct"]
