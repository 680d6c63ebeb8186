import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from occreid.data.masks.rle import decode_rle


def runs_of(mask):
    """Runs down the columns, the first of zeros."""
    flat = mask.T.ravel()
    runs, value, length = [], False, 0
    for bit in flat:
        if bit != value:
            runs.append(length)
            value, length = bit, 0
        length += 1
    return [*runs, length]


def text_of(runs):
    """COCO's text, written here from its description: the inverse of what is tested."""
    out = ""
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        while True:
            bits, value = value & 31, value >> 5
            done = (value == 0 and not bits & 16) or (value == -1 and bits & 16)
            out += chr(48 + bits + (0 if done else 32))
            if done:
                break
    return out


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 90))))
def test_numbers_and_text_give_the_mask_back(mask):
    runs = runs_of(mask)
    np.testing.assert_array_equal(decode_rle(runs, *mask.shape), mask)
    np.testing.assert_array_equal(decode_rle(text_of(runs), *mask.shape), mask)


def test_by_hand():
    # One column of 2 zeros, 3 ones, 1 zero; "231" are the characters of 2, 3 and 1.
    assert decode_rle("231", 6, 1).ravel().tolist() == [False, False, True, True, True, False]
    assert decode_rle([1, 2, 1], 2, 2).tolist() == [[False, True], [True, False]], "down the columns"


@pytest.mark.parametrize("counts", [[1, 2], [5, -1], "231"])
def test_runs_that_do_not_fill_the_mask(counts):
    with pytest.raises(ValueError, match="do not fill 2×2"):
        decode_rle(counts, 2, 2)


def test_a_text_cut_short():
    with pytest.raises(ValueError, match="cut short"):
        decode_rle("23" + chr(48 + 32), 6, 1)
