"""Loops over numbers as machine code: what makes them so, and the loops of one distance."""

from occreid.compiled.machine_code import compiled

__all__ = ["compiled"]
