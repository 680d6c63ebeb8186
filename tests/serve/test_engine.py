import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from occreid.data.loading.transforms import EvalTransform
from occreid.errors import UserError
from occreid.extraction import extract
from occreid.nn.computing import Computing
from occreid.records import Record
from occreid.serve.engine import Engine
from occreid.serve.pictures import decode


def test_a_picture_is_described_as_extract_describes_its_file(engine, picture, tmp_path):
    (tmp_path / "a.png").write_bytes(picture(3))
    wanted = extract(engine.model, [Record(tmp_path / "a.png", 0, 0)], progress=False)
    prepared = engine.prepare(decode(picture(3), max_pixels=10**6))
    assert prepared.shape == (3, 64, 32) and prepared.dtype == torch.uint8
    torch.testing.assert_close(engine.describe([prepared])[0].features, wanted.features)


def test_a_batch_is_its_pictures_one_by_one(engine, picture):
    images = [engine.prepare(decode(picture(i), max_pixels=10**6)) for i in range(5)]
    together = engine.describe(images)
    assert len(together) == 5
    for image, found in zip(images, together, strict=True):
        torch.testing.assert_close(found.features, engine.describe([image])[0].features, atol=1e-4, rtol=1e-4)


def test_it_knows_the_shape_and_the_weights(engine, run_folder):
    loaded = Engine.load(run_folder)
    assert loaded.shape == engine.shape == (1, 512)
    assert (loaded.called, engine.called) == (f"{run_folder.name} (baseline)", "baseline")
    assert (
        loaded.manifest.model_name == loaded.called
        and loaded.weights_hash == engine.weights_hash
        and len(loaded.weights_hash) == 64
        and loaded.name == "baseline"
    )


def test_a_method_shows_its_maps_or_those_of_its_gradients(engine, parts_engine):
    grey = np.full((32, 16, 3), 90, np.uint8)
    grey[:16, :, 0] = 200  # the upper two stripes have a colour
    (cam,) = engine.explain(engine.prepare(grey)).items()
    assert cam[0] == "Grad-CAM" and cam[1].max() == 1 and cam[1].min() >= 0
    maps = parts_engine.explain(parts_engine.prepare(grey))
    assert list(maps) == ["all", "visible stripes"]
    np.testing.assert_array_equal(maps["visible stripes"], [[1], [1], [0], [0]])


def test_nan_does_not_leave_the_engine(parts_engine):
    broken = Engine(type(parts_engine.model)(1), "broken", "", torch.device("cpu"))
    broken.model.scale.data[0] = torch.nan
    with pytest.raises(UserError, match="NaN"):
        broken.describe([EvalTransform(32, 16)(np.zeros((4, 4, 3), np.uint8))[0]])


def test_no_model_there(tmp_path):
    with pytest.raises(UserError, match="no model"):
        Engine.load(tmp_path / "nothing")


def test_it_computes_in_the_way_it_was_asked_for(run_folder, picture):
    plain, half = Engine.load(run_folder), Engine.load(run_folder, precision="bfloat16")
    last = Engine(plain.model, "baseline", "", plain.device, Computing("channels_last", "float32"))
    image = plain.prepare(decode(picture(1), max_pixels=10**6))
    wanted = plain.describe([image])[0].features
    torch.testing.assert_close(last.describe([image])[0].features, wanted, atol=1e-4, rtol=1e-4)
    found = half.describe([image])[0].features
    assert found.dtype == torch.float32 and 0 < float((found - wanted).norm() / wanted.norm()) < 0.05
    with pytest.raises(UserError, match="Did you mean 'auto'"):
        Engine.load(run_folder, precision="uato")


def test_the_network_computes_in_one_thread_whoever_asks(engine, monkeypatch):
    seen, describe = set(), type(engine.model).describe
    monkeypatch.setattr(
        type(engine.model), "describe", lambda *words: (seen.add(threading.get_ident()), describe(*words))[1]
    )
    blank = torch.zeros(3, 64, 32, dtype=torch.uint8)
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(work, picture) for work, picture in ((engine.describe, [blank]), (engine.explain, blank)) * 4
        ]
        assert all(one.result() for one in asked)
    engine.warm_up(3)
    assert len(seen) == 1 and threading.get_ident() not in seen
