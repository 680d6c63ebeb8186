from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.masks.evaluation import ORACLE, TEST_MASKS
from occreid.data.occlusion.stress import Stress
from occreid.errors import UserError
from occreid.evaluation import Describer, Settings
from occreid.evaluation.describe import check_on

CPU = Settings("cpu")


def test_settings_are_those_of_the_recipe_unless_they_are_given():
    recipe = {"training": {"precision": "bf16"}, "evaluation": {"batch_size": 7}}
    for card in ({}, {"recipe": None}):
        options = CPU.options(card)
        assert (options["precision"], options["batch_size"], options["workers"]) == ("float32", 64, 0)
    assert (CPU.options({"recipe": recipe})["precision"], CPU.options({"recipe": recipe})["batch_size"]) == (
        "bfloat16",
        7,
    )
    given = Settings("cpu", "float32", 3, 2, True).options({"recipe": recipe})
    assert (given["precision"], given["batch_size"], given["workers"], given["progress"]) == ("float32", 3, 2, True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"device": "abacus"}, "no device 'abacus'"), ({"precision": "float8"}, "no precision 'float8'")],
)
def test_settings_are_checked_at_once(settings, message):
    with pytest.raises(UserError, match=message):
        Settings(**{"device": "cpu", **settings})


def test_it_carries_names_labels_facts_and_occluders(colours, split):
    colours.card = {
        "method": "colours",
        "sha256": "abc",
        "recipe": {"training": {"seed": 3}},
        "versions": {"torch": "2"},
    }
    found = Describer(colours, split, settings=CPU).described()
    assert found.name == "toy" and found.protocol.metric == "euclidean"
    assert found.labels["occlusion"] == ["occluded", "holistic"] * 4
    assert found.facts == {
        "benchmark": "toy",
        "data": {"counts": split.counts(), "notes": {}},
        "method": "colours",
        "weights_sha256": "abc",
        "recipe": {"training": {"seed": 3}},
        "versions": {"torch": "2"},
        "precision": "float32",
    }
    assert found.occluders is not None and found.occluders[1].kinds == ("bin",) * 8


def test_each_side_as_it_is_is_described_once(colours, split):
    describer = Describer(colours, split, settings=CPU)
    describer.described(), describer.described()
    assert colours.described == 16
    describer.stressed(Stress("flat", 0.5), "query")
    assert colours.described == 24
    describer.stressed(Stress("flat", 0.5), "both")
    assert colours.described == 40


def test_stress_is_in_name_and_facts_and_on_the_side_that_is_named(colours, split):
    describer = Describer(colours, split, settings=CPU)
    clean = describer.described()
    for on in ("query", "gallery", "both"):
        found = describer.stressed(Stress("flat", 0.5, "top", seed=4), on)
        assert found.name == f"toy, {on} flat:0.5:top"
        assert found.facts["stress"] == {"what": "flat:0.5:top", "on": on, "seed": 4}
        changed = [
            side
            for side in ("query", "gallery")
            if not getattr(found, side).features.equal(getattr(clean, side).features)
        ]
        assert changed == (["query", "gallery"] if on == "both" else [on])
    assert "stress" not in clean.facts
    with pytest.raises(UserError, match="query, gallery or both"):
        check_on("all")


def test_masks_are_shown_where_the_benchmark_was_read_with_them(colours, split):
    noted = replace(split, notes={TEST_MASKS: "exact", ORACLE: "exact masks"})

    def shown(split, masks=None):
        describer = Describer(colours, split, settings=CPU, masks=masks)
        return bool(describer.described().gallery.visibility.all()), describer.marked().oracle

    assert shown(split) == (False, "") and shown(split, False) == (False, "")
    assert shown(noted) == (True, "exact masks") == shown(noted, True)
    assert shown(noted, False) == (False, "")
    with pytest.raises(UserError, match="read without masks"):
        shown(split, True)


def test_refined_with_the_unrefined_gallery(centred, split):
    describer = Describer(centred, split, settings=CPU)
    found, plain = describer.described(), describer.side("gallery")
    assert found.gallery.features.mean().abs() < 1e-4 < plain.features.mean()
    assert found.query.features.equal(centred.refine(describer.side("query"), plain).features)


class Looking:
    """Stands for a parser: the picture's first channel is the mask; remembers what it was shown."""

    key = "toy:1"

    def __init__(self):
        self.seen = []

    def __call__(self, images):
        self.seen.append(images.clone())
        return (images[:, 0] > 128).to(torch.uint8)


@pytest.mark.parametrize("source", ["folder", "exact", None])
def test_masks_of_stressed_pictures_are_made_of_these(colours, split, source):
    """A mask made before the stress would tell where the person is behind what hides it."""
    split.notes.update({} if source is None else {TEST_MASKS: source})
    colours.masker, colours.needs_masks = Looking(), True
    given = []
    plain = type(colours).describe
    colours.describe = lambda images, masks=None: (
        given.append(masks is None),
        plain(colours, images, colours.masks_for(images, masks)),
    )[1]
    describer = Describer(colours, split, settings=CPU)
    found = describer.stressed(Stress("flat", 0.5, "top"), "query")
    assert found.query.visibility.all()  # there was a mask, from wherever
    assert given == [source != "exact", source is None]  # the stressed side, then the other
    shown = torch.cat(colours.masker.seen) if colours.masker.seen else torch.empty(0)
    assert len(shown) == {"folder": 8, "exact": 0, None: 16}[source]
    if source != "exact":
        clean = torch.stack([torch.as_tensor(np.array(Image.open(r.path))).permute(2, 0, 1) for r in split.query])
        assert torch.equal(shown[:8, :, 20:], clean[:, :, 20:]) and not torch.equal(shown[:8], clean)
    assert bool(found.protocol.oracle) == (source == "exact")


def test_without_a_parser_masks_that_know_of_the_stress_are_marked(colours, split):
    split.notes[TEST_MASKS] = "folder"
    found = Describer(colours, split, settings=CPU).stressed(Stress("flat", 0.5), "query")
    assert found.protocol.oracle == "masks that leave out what the stress hides"
