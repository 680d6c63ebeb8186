"""Part masks on disk, the folders they lie in, and those a test may use."""
