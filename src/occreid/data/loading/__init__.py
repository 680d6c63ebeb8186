"""Records → batches: dataset, samplers, transforms and loaders."""
