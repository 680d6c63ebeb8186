import json

import pytest
import torch

from occreid.bench.models import Model
from occreid.bench.tables import as_json, facts, measure, rows
from occreid.errors import UserError
from occreid.nn.computing import Computing

TOY = "toy_module:Toy"
FAST = {"rounds": 2, "warmup": 0, "shortest": 0}


@pytest.fixture
def lines():
    models = [Model("small", TOY, {}, None, 1074), Model("wide", TOY, {"dim": 64}, (32, 16))]
    return measure(models, batch_sizes=(1, 3), precisions=("float32", "bfloat16"), **FAST)


def test_every_model_batch_size_and_precision_has_a_line(lines):
    assert [(line.model.name, line.batch_size, line.precision) for line in lines] == [
        (name, size, precision)
        for size in (1, 3) for precision in ("float32", "bfloat16") for name in ("small", "wide")
    ]  # fmt: skip
    assert {line.size for line in lines if line.model.name == "wide"} == {(32, 16)}
    assert all(line.speed.rate > 0 for line in lines)


def test_the_table_has_the_papers_column_and_the_ratios(lines):
    head, cells = rows(lines)
    assert head == ["", "size", "batch", "precision", "images/s", "quartiles", "× small", "parameters",
                    "GFLOPs/image", "peak memory", "paper images/s"]  # fmt: skip
    assert cells[0][:4] == ["small", "16×8", "1", "float32"]
    assert cells[0][6] == "1.00"
    assert (cells[0][-1], cells[1][-1]) == ("1074", "–")


def test_one_model_alone_has_no_ratio():
    head, _ = rows(measure([Model("small", TOY, {})], **FAST))
    assert not any("×" in word for word in head)
    assert "paper images/s" not in head


def test_ratios_are_to_the_model_asked_for():
    models = [Model("a", TOY, {}), Model("b", TOY, {})]
    found = measure(models, against="b", **FAST)
    assert found[1].speed.ratio == 1
    assert "× b" in rows(found, "b")[0]


def test_everything_measured_goes_into_the_file(lines):
    content = json.loads(json.dumps(as_json(lines, {"title": "t", **facts(torch.device("cpu"))})))
    assert content["title"] == "t"
    assert "threads" in content["device"] and "torch" in content
    first = content["lines"][0]
    assert (first["name"], first["paper"], first["size"]) == ("small", 1074, [16, 8])
    assert len(first["seconds_per_call"]) == 2
    assert first["parameters"] == 3 * 4 + 4 + 4 * 751 + 751


@pytest.mark.parametrize(
    ("models", "options", "words"),
    [
        ([], {}, "no model to time"),
        ([Model("a", TOY, {}), Model("a", TOY, {"dim": 8})], {}, "one name"),
        ([Model("a", TOY, {})], {"precisions": ["flaot16"]}, "Did you mean 'float16'?"),
        ([Model("a", TOY, {})], {"against": "b"}, "no model is called 'b'"),
    ],
)
def test_what_cannot_be_timed_is_said(models, options, words):
    with pytest.raises(UserError) as caught:
        measure(models, **options)
    assert words in str(caught.value)


def test_auto_times_each_model_in_the_way_that_is_fastest_here(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "occreid.bench.tables.way_for", lambda *a: asked.append(a[2:]) or Computing("channels_last", "bfloat16")
    )
    (line,) = measure([Model("a", TOY, {})], batch_sizes=(2,), precisions=("auto",), **FAST)
    assert asked == [("auto", "contiguous", 2)] and line.precision == "bfloat16 channels_last"
