"""Build an occluded benchmark from one's own crops, after the construction of OPReID (SSGR paper, Section 4).

Keypoints, from a file or found by a network (`detect`), tell which pictures are candidates for "occluded"
(`keypoints`), a person corrects them on a page of pictures (`review`), the splits are drawn by the paper's rules
(`protocol`), looked through for leaks (`leaks`) and written with a card that says how they came about (`write`).
"""

from occreid.annotate.construction.detect import detect_keypoints
from occreid.annotate.construction.keypoints import CHAINS, Keypoints, missing_run, read_keypoints, require_own_names
from occreid.annotate.construction.leaks import Leak, find_leaks, picture_hash
from occreid.annotate.construction.propose import Proposal, propose
from occreid.annotate.construction.protocol import Amounts, Plan, Shares, plan_splits
from occreid.annotate.construction.review import Crop, read_review, write_review
from occreid.annotate.construction.write import write_benchmark

__all__ = [
    "CHAINS",
    "Amounts",
    "Crop",
    "Keypoints",
    "Leak",
    "Plan",
    "Proposal",
    "Shares",
    "detect_keypoints",
    "find_leaks",
    "missing_run",
    "picture_hash",
    "plan_splits",
    "propose",
    "read_keypoints",
    "read_review",
    "require_own_names",
    "write_benchmark",
    "write_review",
]
