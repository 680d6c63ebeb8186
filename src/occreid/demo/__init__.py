"""The demo: from nothing to a measured, explained result; it needs generator, training and report at once."""
