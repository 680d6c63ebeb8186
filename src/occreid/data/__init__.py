"""Data: benchmarks read from disk, and what turns their records into batches.

Importing this package, or reading a benchmark's layout with it, never imports torch.
"""

from occreid.data.benchmarks import benchmark_options, list_benchmarks, load_benchmark

__all__ = ["benchmark_options", "list_benchmarks", "load_benchmark"]
