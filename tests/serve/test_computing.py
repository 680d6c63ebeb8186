import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from occreid.errors import UserError
from occreid.serve.computing import Computing


def test_many_callers_compute_in_few_threads():
    computing, seen = Computing(2, 30.0), set()
    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(lambda n: computing(lambda: (seen.add(threading.get_ident()), n)[1]), range(40))]
    assert made == [*range(40)] and len(seen) <= 2 and threading.get_ident() not in seen
    computing.close()


def test_what_the_work_raises_is_raised_and_what_takes_too_long_given_up():
    computing, go, begun = Computing(1, 0.05), threading.Event(), []

    def fails():
        raise UserError("no.")

    with pytest.raises(UserError, match="no"):
        computing(fails)
    with pytest.raises(TimeoutError):
        computing(lambda: go.wait(30))
    with pytest.raises(TimeoutError):
        computing(lambda: begun.append(1))
    go.set()
    computing.close()
    assert not begun
