import numpy as np

from occreid.compiled import machine_code as module
from occreid.compiled.machine_code import compiled


def total(values):
    result = 0.0
    for value in values:
        result += value
    return result


def test_a_compiled_loop_gives_what_it_gives_in_python():
    assert compiled(total)(np.arange(5.0)) == total(np.arange(5.0)) == 10


def test_where_nothing_can_be_kept_on_disk_it_is_compiled_all_the_same(monkeypatch):
    real, asked = module.numba.njit, []

    def unwritable(*, cache=False, **options):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(module.numba, "njit", unwritable)
    assert compiled(total)(np.arange(5.0)) == 10 and asked == [True, False]
