"""What every test shares: one thread, so that two cores serve two workers, and no network."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from hypothesis import settings

settings.register_profile("ci", derandomize=True)  # the same examples for everyone; developers keep exploring
if os.environ.get("CI"):
    settings.load_profile("ci")

torch.set_num_threads(1)
