"""The package as a user imports it."""

import subprocess
import sys

import pytest

import occreid


def test_public_names_are_the_objects_of_their_rooms():
    from occreid.descriptors import Descriptors
    from occreid.errors import UserError
    from occreid.evaluation import measure
    from occreid.gallery import Gallery, search
    from occreid.models import create_model, list_methods, load_model
    from occreid.records import Record
    from occreid.retrieval import evaluate

    expected = (Descriptors, Gallery, Record, UserError, create_model, evaluate, list_methods, load_model, measure)
    expected += (search,)
    assert tuple(getattr(occreid, n) for n in occreid.__all__) == expected
    assert set(occreid.__all__) <= set(dir(occreid))


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, occreid; sys.exit(bool({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        occreid.evalute  # noqa: B018


def test_research_rooms_import_no_framework_for_running():
    rooms = "occreid.nn, occreid.losses, occreid.methods, occreid.retrieval, occreid.methods.baseline"
    code = f"import sys, {rooms}; sys.exit(bool({{'lightning', 'typer', 'occreid.training'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_packages_model_loads_without_timm_torchvision_or_pandas():
    code = (
        "import sys; from occreid.models import load_model; from occreid.extraction import extract; "
        "load_model('occreid-lite'); "
        "sys.exit(bool({'timm', 'torchvision', 'torch._dynamo', 'pandas', 'lightning'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
