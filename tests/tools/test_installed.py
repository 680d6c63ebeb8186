"""What an extra brings, read from what is installed."""

import pytest

from installed import closure, megabytes


def test_an_extra_adds_its_packages_and_those_they_need():
    core, serve = closure(), closure(("serve",))
    assert {"torch", "timm", "numpy"} <= set(core)
    assert not {"occreid", "lancedb", "starlette"} & set(core)
    assert {"lancedb", "fastapi", "starlette"} <= set(serve) - set(core)
    assert list(serve) == sorted(serve)


def test_a_package_has_the_size_of_its_files():
    folder = closure()["timm"].locate_file("timm")
    sources = sum(file.stat().st_size for file in folder.rglob("*.py")) / 1e6
    assert sources < megabytes(closure()["timm"]) < 100


def test_what_is_missing_is_named():
    with pytest.raises(LookupError, match="no-such-package"):
        closure(package="no-such-package")
