from pathlib import Path

import numpy as np
import pytest
import torch

from occreid.errors import UserError
from occreid.gallery import Entry
from occreid.gallery.describing import describer_of, files_and_entries
from occreid.gallery.manifest import Manifest
from occreid.models import create_model


def test_a_model_may_be_named():
    manifest = Manifest(1280, 1, "cosine", "w")
    network = create_model("baseline", 2, backbone="resnet18", pretrained="none")
    assert describer_of(network, manifest) is network
    assert describer_of("occreid-lite", manifest).input_size == (192, 96)
    with pytest.raises(UserError, match="no model 'occreid-light'"):
        describer_of("occreid-light", manifest)
    with pytest.raises(UserError, match="need a model"):
        describer_of(None, manifest)
    with pytest.raises(UserError, match="masks of"):
        describer_of(network, Manifest(1280, 1, "cosine", "w", masks="parser x"))


def test_files_and_entries_are_told_apart_and_one_alone_is_one():
    entry = Entry(torch.zeros(3))
    files, described = files_and_entries(["a.jpg", entry, Path("b.jpg")])
    assert [str(record.path) for record in files] == ["a.jpg", "b.jpg"] and described == [entry]
    assert [str(record.path) for record in files_and_entries("door/a.jpg")[0]] == ["door/a.jpg"]
    assert files_and_entries(entry) == ([], [entry]) and files_and_entries([]) == ([], [])


@pytest.mark.parametrize("given", [None, 3, [None], [np.zeros((4, 2, 3), np.uint8)], {"a": 1}])
def test_what_is_neither_is_named(given):
    with pytest.raises(UserError, match="neither file nor entry"):
        files_and_entries(given)
