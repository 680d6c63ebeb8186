import pytest

from occreid.data import load_benchmark
from occreid.data.images import read_image
from occreid.errors import UserError

LOOSE = ("--option", "strict=false")


def test_queries_are_written_beside_the_benchmark(run, market, tmp_path):
    result = run("occlude", market, "--out", tmp_path / "hidden", *LOOSE).stdout
    assert "queries with an occluder each (object:0.4)" in result
    (first, *_) = sorted((tmp_path / "hidden").glob("*.png"))
    plain = next((market / "query").glob(f"{first.stem}.*"))
    assert read_image(first).shape == read_image(plain).shape and (read_image(first) != read_image(plain)).any()


@pytest.mark.parametrize("given", ["the part", "what holds it"])
def test_the_benchmark_finds_them_where_they_are_written(run, market, tmp_path, given):
    part = tmp_path / "data" / "market1501-mini"
    part.parent.mkdir()
    part.symlink_to(market, target_is_directory=True)
    root = part if given == "the part" else part.parent
    run("occlude", root, *LOOSE)
    assert (tmp_path / "data" / "market1501-mini-occluded" / "query").is_dir()
    split = load_benchmark("market1501_mini_occluded", root, strict=False)
    assert split.query and all(record.occluded and record.path.is_file() for record in split.query)


def test_another_set_is_not_taken_for_it_unless_asked(run, market, tmp_path):
    with pytest.raises(UserError, match="expected 6863"):
        run("occlude", market, "--out", tmp_path / "hidden")
    assert not (tmp_path / "hidden").exists()
