"""SUReID: `method` is the network, `budget` how many tokens it keeps, `parts` what it is built from and checked by."""

from occreid.methods.sureid.method import SUReID

__all__ = ["SUReID"]
