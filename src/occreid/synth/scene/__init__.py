"""Places: cameras, grounds, fronts, things that stand about and things that hide people."""
