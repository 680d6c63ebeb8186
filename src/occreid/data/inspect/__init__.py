"""Looking at a benchmark: is it sound, what is in it, and what does it look like."""
