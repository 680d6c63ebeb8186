"""Loops over numbers as machine code: what makes them so, and those of distances; others stand where they are used."""

from occreid.compiled.machine_code import compiled

__all__ = ["compiled"]
