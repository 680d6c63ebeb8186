import pytest
import torch
from safetensors.torch import save_file

from occreid.descriptors import Descriptors
from occreid.errors import UserError


@pytest.fixture
def some():
    generator = torch.Generator().manual_seed(0)
    return Descriptors(
        torch.randn(5, 2, 3, generator=generator),
        torch.tensor([[1, 0], [1, 1], [0, 0], [0, 1], [1, 1]], dtype=torch.bool),
        torch.tensor([4, 4, 9, 9, 0]),
        torch.tensor([0, 1, 0, 1, 2]),
        [f"p{i}.jpg" for i in range(5)],
        ["zoe", "zoe", None, "9", "anna"],
        ["door", "hall", "door", "hall", None],
    )


def same(a, b):
    assert torch.equal(a.features, b.features) and torch.equal(a.visibility, b.visibility)
    assert torch.equal(a.pids, b.pids) and torch.equal(a.camids, b.camids) and list(a.paths) == list(b.paths)
    assert list(a.persons) == list(b.persons) and list(a.cameras) == list(b.cameras)


def test_a_global_feature_gets_one_visible_part_in_float32():
    d = Descriptors(torch.ones(4, 8, dtype=torch.float16))
    assert d.features.shape == (4, 1, 8) and d.features.dtype == torch.float32
    assert d.visibility.shape == (4, 1) and d.visibility.all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": torch.zeros(3)}, r"shape \(3,\)"),
        ({"features": torch.zeros(3, 2, 4), "visibility": torch.ones(3, 1)}, "2 parts"),
        ({"features": torch.zeros(3, 4), "pids": torch.zeros(2)}, "2 pids do not fit 3 images"),
        ({"features": torch.zeros(3, 4), "camids": torch.zeros(4)}, "4 camids"),
        ({"features": torch.zeros(3, 4), "paths": ["a"]}, "1 paths"),
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Descriptors(**arguments)


def test_save_and_load_round_trip(some, tmp_path):
    some.save(tmp_path / "new" / "folder")
    same(Descriptors.load(tmp_path / "new" / "folder"), some)


def test_what_was_not_known_stays_unknown_on_disk(tmp_path):
    Descriptors(torch.ones(2, 3)).save(tmp_path)
    back = Descriptors.load(tmp_path)
    assert (back.pids, back.camids, back.paths, back.persons, back.cameras) == (None,) * 5


def test_a_missing_file_is_named(some, tmp_path):
    some.save(tmp_path)
    (tmp_path / "descriptors.parquet").unlink()
    with pytest.raises(UserError, match=r"descriptors\.parquet"):
        Descriptors.load(tmp_path)


@pytest.mark.parametrize("name", ["descriptors.safetensors", "descriptors.parquet"])
@pytest.mark.parametrize("kept", [0, 40, -20])
def test_a_damaged_file_is_said(some, tmp_path, name, kept):
    some.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:kept])
    with pytest.raises(UserError, match=r"cannot read the descriptors in .+write it again"):
        Descriptors.load(tmp_path)


def test_tensors_of_something_else_are_no_descriptors(some, tmp_path):
    some.save(tmp_path)
    save_file({"weight": torch.zeros(1)}, tmp_path / "descriptors.safetensors")
    with pytest.raises(UserError, match=r"cannot read the descriptors in .*'features'"):
        Descriptors.load(tmp_path)


@pytest.mark.parametrize(
    "index", [slice(1, 4), torch.tensor([1, 2, 3]), torch.tensor([False, True, True, True, False])], ids=str
)
def test_the_three_ways_to_choose_images_agree(some, index):
    same(some[index], Descriptors.cat([some[1:2], some[2:4]]))


def test_joining_pieces_restores_the_whole_and_drops_what_one_piece_lacks(some):
    same(Descriptors.cat([some[:2], some[2:]]), some)
    joined = Descriptors.cat([some[:2], Descriptors(some.features[2:], some.visibility[2:], some.pids[2:])])
    assert joined.camids is None and joined.paths is None and torch.equal(joined.pids, some.pids)
    with pytest.raises(UserError, match="no descriptors"):
        Descriptors.cat([])


def test_the_image_that_is_not_finite_is_named(some):
    assert some.require_finite() is some
    some.features[3, 1, 0] = float("nan")
    with pytest.raises(UserError, match=r"p3\.jpg .*1 of 5"):
        some.require_finite()
    some.paths = None
    with pytest.raises(UserError, match="row 3"):
        some.require_finite()


def test_moving_to_another_device_moves_every_tensor(some):
    moved = some.to("meta")
    assert {t.device.type for t in (moved.features, moved.visibility, moved.pids, moved.camids)} == {"meta"}
    assert list(moved.paths) == list(some.paths)


@pytest.mark.parametrize("value", [3e38, 1e19, float("nan"), float("-inf")])
def test_a_feature_whose_length_is_no_number_is_named(value):
    found = Descriptors(torch.tensor([[1.0, 2.0], [value, 0.0]]), paths=["a.jpg", "b.jpg"])
    assert found.finite().tolist() == [True, False]
    with pytest.raises(UserError, match=r"descriptor of b\.jpg"):
        found.require_finite()


def test_the_longest_features_have_finite_distances():
    from occreid.distances import distances

    found = Descriptors(torch.tensor([[9e18, 0.0], [-9e18, 0.0]])).require_finite()
    for metric in ("euclidean", "cosine"):
        assert distances(found, found, metric).isfinite().all()
