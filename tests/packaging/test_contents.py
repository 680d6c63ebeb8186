"""What lies in the wheel, without installing it."""

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "occreid"


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The files of a wheel built from this checkout."""
    out = tmp_path_factory.mktemp("dist")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(out), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_recipe_is_in_the_wheel(names):
    recipes = {p.relative_to(ROOT / "recipes").as_posix() for p in (ROOT / "recipes").rglob("*.yaml")}
    assert len(recipes) > 50
    assert {f"occreid/_recipes/{name}" for name in recipes} <= names


def test_whatever_lies_in_the_package_is_in_the_wheel(names):
    """Templates, the service's page, shipped weights and the marker of types among it."""
    files = {p.relative_to(PACKAGE.parent).as_posix() for p in PACKAGE.rglob("*") if p.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert {"occreid/py.typed", "occreid/report/templates/report.html.j2", "occreid/serve/page/index.html"} <= files
    assert files <= names


def test_nothing_else_is_in_the_wheel(names):
    assert {name.split("/")[0].split("-")[0] for name in names} == {"occreid"}
    assert not any(name.endswith((".ipynb", ".pyc")) for name in names)


def test_the_source_archive_can_build_the_wheel_and_run_the_tests(tmp_path):
    import tarfile

    (archive,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(archive) as files:
        names = {name.split("/", 1)[1] for name in files.getnames() if "/" in name}
    wanted = {"pyproject.toml", "LICENSE", "Makefile", "requirements.lock", "recipes/baseline/market1501.yaml"}
    assert wanted | {"tests/conftest.py", "tools/licences.py", "docs/using.md", "examples/search.py"} <= names
