import numpy as np

from occreid.synth.people import outfit_tables as tables
from occreid.synth.people.patterns import PATTERN_NAMES
from occreid.synth.people.textiles import KNOWN


def test_shares_belong_to_colours_and_patterns_exist():
    assert len(tables.COMMON) == len(tables.COMMON_SHARES)
    np.testing.assert_allclose(tables.COMMON_SHARES.sum(), 1)
    for table in (tables.UPPER_PATTERNS, tables.LOWER_PATTERNS):
        for shares in table.values():
            assert set(shares) <= {*KNOWN, *PATTERN_NAMES} and min(shares.values()) > 0
    assert set(tables.LOWER_STAND_OFF) == {kind for kinds in tables.LOWER_KINDS for kind in kinds}
