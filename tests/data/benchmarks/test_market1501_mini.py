import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def test_it_is_market_under_a_name_of_its_own(market):
    split = load_benchmark("market1501_mini", market, strict=False)
    whole = load_benchmark("market1501", market, strict=False)
    assert split.name == "market1501_mini" and split.distractor_pids == {0}
    assert (split.train, split.query, split.gallery) == (whole.train, whole.query, whole.gallery)
    with pytest.raises(UserError, match="expected 6863 of 400"):
        load_benchmark("market1501_mini", market)


def test_occluded_queries_take_the_places_of_the_others(market):
    plain = load_benchmark("market1501_mini", market, strict=False)
    with pytest.raises(UserError, match=r"occluded queries are not in .*-occluded/query.*occreid data occlude"):
        load_benchmark("market1501_mini_occluded", market, strict=False)
    folder = market.with_name(f"{market.name}-occluded") / "query"
    folder.mkdir(parents=True)
    for record in plain.query:
        (folder / f"{record.path.stem}.png").touch()
    split = load_benchmark("market1501_mini_occluded", market, strict=False)
    assert split.name == "market1501_mini_occluded" and split.notes["queries"] == "object:0.4"
    assert [(r.pid, r.camid, r.occluded) for r in split.query] == [(r.pid, r.camid, True) for r in plain.query]
    assert all(r.path.parent == folder for r in split.query)
    assert (split.train, split.gallery) == (plain.train, plain.gallery)
    moved = folder.rename(market.parent / "elsewhere")
    assert load_benchmark("market1501_mini_occluded", market, queries=moved, strict=False).query[0].path.parent == moved
