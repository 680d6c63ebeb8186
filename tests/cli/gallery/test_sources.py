import pytest

from occreid.cli.gallery.sources import part_of_benchmark
from occreid.errors import UserError


def test_a_part_of_a_benchmark_is_its_records(market):
    assert len(part_of_benchmark(f"market1501={market}", "query", ["strict=false"])) == 6
    with pytest.raises(UserError, match="a benchmark has no part 'probe'"):
        part_of_benchmark(f"market1501={market}", "probe", None)
