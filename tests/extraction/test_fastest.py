import pytest
import torch
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.extraction import extract, extract_to_disk, fastest, way_for
from occreid.methods import Method
from occreid.nn.computing import Computing, memory_format_of

CPU = torch.device("cpu")


class Convolution(Method):
    input_size = (8, 4)

    def __init__(self):
        super().__init__()
        self.layer, self.seen = nn.Conv2d(3, 5, 3), []

    def describe(self, images, masks=None):
        last = images.is_contiguous(memory_format=torch.channels_last)
        self.seen.append(
            Computing(
                "channels_last" if last else "contiguous", "bfloat16" if torch.is_autocast_enabled("cpu") else "float32"
            )
        )
        return Descriptors(self.layer(self.normalize(images)).float().mean((2, 3)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Convolution()


@pytest.fixture
def records(tmp_path):
    import numpy as np
    from PIL import Image

    from occreid.records import Record

    for i in range(3):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (16, 8, 3)).astype(np.uint8)).save(
            tmp_path / f"{i}.png"
        )
    return [Record(tmp_path / f"{i}.png", i, 0) for i in range(3)]


def test_auto_tries_every_way_on_copies_and_leaves_the_model_alone(model, monkeypatch):
    tried = []
    real = fastest.fastest

    def watched(ways, prepare, device):
        tried.extend(ways)
        for way in ways:
            prepare(way)()
        return real(ways[:1], prepare, device)

    monkeypatch.setattr(fastest, "fastest", watched)
    assert way_for(model, CPU, "auto") == Computing("contiguous", "float32")
    assert len(tried) == 4 and model.seen == [] and memory_format_of(model) == "contiguous"


@pytest.mark.parametrize("way", [Computing("channels_last", "bfloat16"), Computing("contiguous", "float32")])
def test_what_auto_chose_is_what_the_network_computes_in(model, records, monkeypatch, way):
    monkeypatch.setattr(fastest, "fastest", lambda *a: (way, {}))
    found = extract(model, records, precision="auto", progress=False)
    assert model.seen == [way] and memory_format_of(model) == way.memory_format
    torch.testing.assert_close(
        found.features, extract(twin(model), records, progress=False).features, atol=2e-2, rtol=2e-2
    )


def twin(model):
    other = Convolution()
    other.load_state_dict(model.state_dict())
    return other


def test_a_memory_format_changes_nothing_but_rounding_and_none_keeps_the_model_s(model, records):
    plain = extract(model, records, progress=False)
    last = extract(model, records, memory_format="channels_last", progress=False)
    torch.testing.assert_close(last.features, plain.features, atol=1e-5, rtol=1e-5)
    extract(model, records, progress=False)
    assert [way.memory_format for way in model.seen] == ["contiguous", "channels_last", "channels_last"]


def test_on_disk_the_key_names_what_was_chosen(model, records, tmp_path, monkeypatch):
    monkeypatch.setattr(fastest, "fastest", lambda *a: (Computing("contiguous", "bfloat16"), {}))
    extract_to_disk(model, records, tmp_path / "out", key={}, precision="auto", progress=False)
    extract_to_disk(model, records, tmp_path / "out", key={}, precision="bfloat16", progress=False)
    with pytest.raises(UserError, match="settings"):
        extract_to_disk(model, records, tmp_path / "out", key={}, precision="float32", progress=False)


def test_a_model_without_weights_of_its_own_computes_as_it_was_made():
    class Exported(Method):
        def describe(self, images, masks=None):
            raise AssertionError("timed for nothing")

    assert way_for(Exported(), CPU, "auto") == Computing("contiguous", "float32")


@pytest.mark.parametrize(
    ("precision", "message"), [("flaot32", "Did you mean 'float32'"), ("float16", "not work on a CPU")]
)
def test_what_cannot_be_is_refused(model, precision, message):
    with pytest.raises(UserError, match=message):
        way_for(model, CPU, precision)


@pytest.mark.gpu
def test_a_gpu_describes_as_the_cpu_does_in_every_way(model, records):
    wanted = extract(model, records, progress=False).features
    for precision in ("float32", "bfloat16", "float16", "auto"):
        for memory_format in ("contiguous", "channels_last"):
            found = extract(
                twin(model), records, device="cuda", precision=precision, memory_format=memory_format, progress=False
            )
            torch.testing.assert_close(found.features, wanted, atol=2e-2, rtol=2e-2)


def test_auto_never_describes_narrow_maps_in_bfloat16(monkeypatch):
    from occreid.models import create_model

    tried = []
    monkeypatch.setattr(fastest, "fastest", lambda ways, *others: (tried.append(ways) or ways[-1], {}))
    model = create_model("baseline", 2, backbone="resnet10t", pretrained="none", last_stride=2).eval()
    for size, precisions in (((64, 32), {"float32"}), ((128, 64), {"float32", "bfloat16"})):
        model.input_size = size
        way_for(model, CPU, "auto")
        assert {way.precision for way in tried.pop()} == precisions
