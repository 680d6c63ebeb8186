"""`occreid.data.benchmarks`: finding loaders, checking options, and what every loader owes."""

import inspect
import os
import subprocess
import sys

import pytest

from occreid.data import benchmark_options, list_benchmarks, load_benchmark
from occreid.data.benchmarks import _loader, benchmark_facts
from occreid.errors import UserError

PUBLISHED = {
    ("market1501", ""): {"train": (12936, 751), "query": (3368, 750), "gallery": (15913, 750)},
    ("dukemtmc", ""): {"train": (16522, 702), "query": (2228, 702), "gallery": (17661, 1110)},
    ("occluded_duke", ""): {"train": (15618, 702), "query": (2210, 519), "gallery": (17661, 1110)},
    ("cuhk03_np", "labeled"): {"train": (7368, 767), "query": (1400, 700), "gallery": (5328, 700)},
    ("cuhk03_np", "detected"): {"train": (7365, 767), "query": (1400, 700), "gallery": (5332, 700)},
    ("msmt17", "trainval"): {"train": (32621, 1041), "query": (11659, 3060), "gallery": (82161, 3060)},
    ("msmt17", "train"): {"query": (11659, 3060), "gallery": (82161, 3060)},
    ("occluded_reid", ""): {"query": (1000, 200), "gallery": (1000, 200)},
    ("occluded_reid", "p_dukemtmc"): {"train": (12927, 665), "query": (2163, 634), "gallery": (9053, 634)},
    ("partial_reid", ""): {"query": (300, 60), "gallery": (300, 60)},
    ("partial_ilids18", ""): {"query": (119, 119), "gallery": (119, 119)},
    ("partial_ilids19", ""): {"query": (238, 107), "gallery": (238, 109)},
    ("market1501_mini", ""): {"train": (6863, 400), "query": (656, 150), "gallery": (1916, 148)},
    ("occsynth_study", ""): {"train": (5337, 450), "query": (640, 320), "gallery": (2253, 400)},
    ("opreid", ""): {"train": (27228, 1744), "query": (4200, 3515), "gallery": (41014, 6174)},
}


def test_every_benchmark_is_found():
    assert set(list_benchmarks()) == {name for name, _ in PUBLISHED} | {
        "folder",
        "occsynth",
        "coco_densepose",
        "market1501_mini_occluded",
    }
    assert list(list_benchmarks()) == sorted(list_benchmarks())


@pytest.mark.parametrize("name", list_benchmarks())
def test_every_module_has_its_loader_its_facts_and_a_strict_switch(name):
    parameters = list(inspect.signature(_loader(name)).parameters.values())
    assert parameters[0].name == "root"
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[1:])
    assert benchmark_options(name)["strict"] is True
    assert benchmark_facts(name).layout and benchmark_facts(name).note


def test_the_published_counts():
    found = {
        (name, v): dict(counts) for name in list_benchmarks() for v, counts in benchmark_facts(name).counts.items()
    }
    assert found == PUBLISHED
    # P-DukeMTMC-reID as a whole is published as 24,143 images of 1,299 ids.
    duke = PUBLISHED["occluded_reid", "p_dukemtmc"]
    assert sum(images for images, _ in duke.values()) == 24_143
    assert duke["train"][1] + duke["gallery"][1] == 1_299


def test_withdrawn_sets_are_marked():
    assert [name for name in list_benchmarks() if benchmark_facts(name).withdrawn] == ["dukemtmc", "occluded_duke"]


@pytest.mark.parametrize("name", [n for n in list_benchmarks() if n != "folder"])
def test_a_missing_folder_is_named(name, tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        load_benchmark(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", list_benchmarks())
def test_an_empty_folder_is_refused_even_when_lenient(name, tmp_path):
    with pytest.raises(UserError) as error:
        load_benchmark(name, tmp_path, strict=False)
    assert str(tmp_path) in str(error.value) and error.value.hint


def test_an_unknown_benchmark_gets_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"no benchmark 'market1510'. Did you mean 'market1501'\?"):
        load_benchmark("market1510", tmp_path)
    with pytest.raises(UserError, match="there is no benchmark '_files'"):
        load_benchmark("_files", tmp_path)


def test_an_unknown_option_gets_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"market1501 has no option 'strikt'. Did you mean 'strict'\?"):
        load_benchmark("market1501", tmp_path, strikt=False)


def test_a_value_that_is_no_choice_gets_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"msmt17's option 'train' cannot be 'tranval'. Did you mean 'trainval'\?"):
        load_benchmark("msmt17", tmp_path, train="tranval")
    with pytest.raises(UserError, match=r"'version' cannot be 'v3'. Known: v1, v2\."):
        load_benchmark("msmt17", tmp_path, version="v3")
    with pytest.raises(UserError, match=r"'strict' cannot be 'perhaps'. Input should be"):
        load_benchmark("market1501", tmp_path, strict="perhaps")


def test_texts_of_the_command_line_become_values(market):
    assert "counts" in load_benchmark("market1501", market, strict="false").notes


def test_reading_a_layout_imports_no_torch(market):
    code = (
        "import sys\nfrom occreid.data import load_benchmark\n"
        f"load_benchmark('market1501', {str(market)!r}, strict=False)\n"
        "print(sorted({'torch', 'cv2', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tilde_is_the_home_folder_in_a_root(touch, tmp_path, monkeypatch):
    touch("d/query/0001_c1_0.jpg", "d/gallery/0001_c2_0.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load_benchmark("folder", "~/d").query) == 1


def test_a_root_that_is_no_utf8_is_refused_before_it_is_read(tmp_path):
    with pytest.raises(UserError, match="is not UTF-8"):
        load_benchmark("folder", tmp_path / os.fsdecode(b"Mu\xf1oz"))


def test_ids_that_no_tensor_can_hold_are_refused_in_words(touch):
    root = touch(
        "query/20260301083015123456_c1s1_1.jpg", "bounding_box_test/1_c2s1_1.jpg", "bounding_box_train/1_c1s1_1.jpg"
    )
    with pytest.raises(UserError, match=r"20260301083015123456_c1s1_1\.jpg has an id or a camera beyond 64 bits"):
        load_benchmark("market1501", root, strict=False)
