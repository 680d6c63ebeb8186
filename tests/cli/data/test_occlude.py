from occreid.data.images import read_image


def test_queries_are_written_beside_the_benchmark(run, market, tmp_path):
    result = run("occlude", market, "--out", tmp_path / "hidden").stdout
    assert "queries with an occluder each (object:0.4)" in result
    (first, *_) = sorted((tmp_path / "hidden").glob("*.png"))
    plain = next((market / "query").glob(f"{first.stem}.*"))
    assert read_image(first).shape == read_image(plain).shape and (read_image(first) != read_image(plain)).any()
