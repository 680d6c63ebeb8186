"""Occluders are disjoint by use: training, the test of occsynth, and stress with Clever Hans share no kind."""

from pathlib import Path

from occreid.data import load_benchmark
from occreid.data.occlusion import cutouts, unseen
from occreid.data.occlusion.library import PROCEDURAL, UNSEEN, OccluderLibrary
from occreid.synth import generate
from occreid.synth.protocol import Size
from occreid.synth.scene.occluders import TEST_KINDS, TRAIN_KINDS
from occreid.synth.scene.sites import FURNITURE

MEANS = {
    "trunk": "tree",
    "carton": "cartons",
    "pole": "sign",
    "bush": "hedge",
    "bin": "bin",
    "fence": "barrier",
    "board": "sign",
    "cycle": "bicycle",
}
"""What NODA's cut-outs are called in occsynth."""


def test_no_kind_serves_two_uses():
    assert set(MEANS) == set(cutouts.KINDS), "a new cut-out says here which thing of occsynth it is"
    training = {*TRAIN_KINDS, *FURNITURE, *cutouts.KINDS, *MEANS.values()}
    test, stress = set(TEST_KINDS), set(unseen.KINDS)
    assert not training & test and not training & stress and not test & stress


def test_no_instance_serves_two_uses():
    training, stress = OccluderLibrary.open(PROCEDURAL), OccluderLibrary.open(UNSEEN)
    assert not {c.tobytes() for c in training} & {c.tobytes() for c in stress}
    assert not set(training.names) & set(stress.names)


def test_a_generated_benchmark_keeps_to_it(tmp_path: Path):
    size = Size(train=2, query=3, others=1, cameras=3, images=8)
    split = load_benchmark("occsynth", generate(tmp_path / "o", size=size, edition="occsynth-2", progress=False))
    hidden = {part: [r for r in getattr(split, part) if r.occluded] for part in ("train", "query", "gallery")}
    test = hidden["query"] + hidden["gallery"]
    assert hidden["train"] and test
    for field in ("occluder_kind", "occluder_id"):
        assert not {getattr(r, field) for r in hidden["train"]} & {getattr(r, field) for r in test}
