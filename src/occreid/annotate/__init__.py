"""Networks and tools that make labels: part masks, silhouettes, heads, keypoints, sets, anonymised copies."""
