import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from occreid.export.int8 import Quantized
from occreid.retrieval import Protocol, Ranking


def test_its_figures_are_ready_for_json(tmp_path):
    file, one = tmp_path / "model-int8.onnx", np.ones(1)
    file.write_bytes(b"123")
    before = Ranking(Protocol("cosine", ranks=(1,)), np.ones((1, 1), np.int64), one, one, np.ones(1, np.int64))
    after = replace(before, average_precision=one / 2)
    found = json.loads(json.dumps(Quantized(file, "static", 0.99, {"toy": (before, after)}).to_json()))
    assert (found["bytes"], found["way"], found["cosine"]) == (3, "static", 0.99)
    (entry,) = found["benchmarks"]
    assert (entry["benchmark"], entry["float32"]["mAP"], entry["int8"]["mAP"]) == ("toy", 1.0, 0.5)
