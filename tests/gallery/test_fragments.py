import numpy as np

from occreid.gallery.fragments import MANY, alike, rewrite


def numbers(*sizes):
    """Row ids of fragments 0, 1, … of these sizes."""
    return np.concatenate([(fragment << 32) + np.arange(size) for fragment, size in enumerate(sizes)])


def test_few_fragments_are_left_alone():
    assert [*alike(numbers(*[1] * (MANY - 1)))] == [] and [*alike(numbers(5000, 5000))] == []


def test_many_tiny_ones_become_one_and_large_ones_stay():
    assert [*alike(numbers(*[1] * MANY, 5000))] == [[*range(MANY)]]


def test_middling_ones_are_merged_until_they_are_full():
    groups = [*alike(numbers(*[100] * 100))]
    assert [len(group) for group in groups] == [41, 41] and groups[1][0] == 41


def test_runs_of_fragments_are_named_by_their_ends():
    class Table:
        def update(self, where, values_sql):
            self.where = where
            assert values_sql == {"crc": "crc"}

    table = Table()
    rewrite(table, [1, 2, 5])
    first, second = 1 << 32, 3 << 32
    assert table.where == (f"(_rowid >= {first} AND _rowid < {second}) OR (_rowid >= {5 << 32} AND _rowid < {6 << 32})")
