import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def load(root, **options):
    return load_benchmark("opreid", root, strict=False, **options)


def test_the_default_layout(touch, tmp_path, ids_of, cameras_of):
    root = touch("train/5_c3_1.jpg", "query/1_c2_1.jpg", "gallery/1_c6497_1.jpg", root=tmp_path / "OPReID")
    split = load(tmp_path)
    assert split == load(root) and split.name == "opreid" and split.same_camera == "junk"
    assert ids_of(split.train) == [5] and cameras_of(split.gallery) == [2]
    assert [r.occluded for r in split.query + split.gallery + split.train] == [True, None, None]
    with pytest.raises(UserError, match=r"train has 1 images of 1 ids, expected 27228 of 1744.*41014 of 6174"):
        load_benchmark("opreid", root)


MAPPING = {
    "map.yaml": "train: images/tr\nquery: images/q\ngallery: images/g\npattern: '(?P<pid>\\d+)-.*'\noccluded: -occ\n",
    "map.json": '{"train": "images/tr", "query": "images/q", "gallery": "images/g", '
    '"pattern": "(?P<pid>\\\\d+)-.*", "occluded": "-occ"}',
}


@pytest.mark.parametrize("name", MAPPING)
def test_a_mapping_file(touch, tmp_path, name):
    root = touch("images/tr/1-occ.jpg", "images/q/2-x.jpg", "images/g/2-occ.jpg", "images/g/3-y.jpg")
    (tmp_path / name).write_text(MAPPING[name])
    split = load(root, layout=str(tmp_path / name))
    assert split.same_camera == "keep", "names without a camera"
    assert [r.occluded for r in split.train + split.query + split.gallery] == [True, True, True, False]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.yaml", "galery: x", r"unknown key 'galery'. Did you mean 'gallery'\?"),
        ("m.yaml", "train: [a, b]", r"key 'train' in .*m.yaml is \['a', 'b'\]"),
        ("m.yaml", "- a", "holds no keys"),
        ("m.yaml", "a: b: c", "is not valid"),
        ("m.json", "{", "is not JSON"),
        ("m.yaml", "occluded: '('", "key 'occluded' in .* is no regular expression"),
        ("m.yaml", "pattern: '('", "is no regular expression"),
        ("m.yaml", "pattern: x", "has no group 'pid'"),
        ("m.yaml", "query: nowhere", "folders train; nowhere; gallery"),
    ],
)
def test_mappings_that_make_no_sense(touch, tmp_path, name, text, message):
    root = touch("train/1_c1.jpg", "query/2_c1.jpg", "gallery/2_c2.jpg")
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        load(root, layout=tmp_path / name)


def test_no_mapping_file(tmp_path):
    with pytest.raises(UserError, match=r"there is no mapping file .*gone\.yaml"):
        load(tmp_path, layout=tmp_path / "gone.yaml")
