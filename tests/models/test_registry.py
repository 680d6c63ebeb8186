import subprocess
import sys

import pytest

from occreid.errors import UserError
from occreid.methods import Method
from occreid.models import create_model, list_methods, method_options
from occreid.models.registry import find_model


def test_every_listed_method_is_one_class_with_options_that_have_defaults():
    names = list_methods()
    assert {"baseline", "baseline_vit"} <= set(names) and list(names) == sorted(names)
    for name in names:
        assert issubclass(find_model(name), Method)
        assert all(isinstance(option, str) for option in method_options(name))


def test_the_parser_is_found_by_name_and_is_no_method():
    assert find_model("parser").__module__ == "occreid.annotate.parser"
    assert "parser" not in list_methods() and "channels" in method_options("parser")
    with pytest.raises(UserError, match="Did you mean 'parser'"):
        find_model("parsr")


def test_listing_imports_no_method():
    code = (
        "import sys; from occreid.models import list_methods; list_methods();"
        "sys.exit(any(m in sys.modules for m in ('occreid.methods.baseline', 'occreid.methods.baseline_vit')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_method_from_outside_needs_no_registration(toy):
    model = create_model(toy, 3, dim=6)
    assert model.spec is not None
    assert (model.spec.name, model.spec.num_classes) == (toy, 3)
    assert model.spec.options == {"dim": 6, "scale": 1.0, "word": None}
    assert model.project.out_features == 6


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("basline", {}, r"no method 'basline'\. Did you mean 'baseline'"),
        ("toy_module:Toi", {}, r"'Toi' .* Did you mean 'Toy'"),
        ("toy_module:NotAMethod", {}, "not a subclass"),
        ("no_such_module:Toy", {}, "no module 'no_such_module'"),
        ("toy_module:Toy", {"dmi": 3}, r"no option 'dmi'\. Did you mean 'dim'"),
        ("toy_module:Toy", {"dim": "wide"}, r"option 'dim' cannot be 'wide'\. .*integer"),
        ("toy_module:Toy", {"scale": None}, "option 'scale' cannot be None"),
        ("toy_module:Demanding", {}, "needs the option 'needed'"),
        ("baseline", {"marign": 0.1}, "Did you mean 'margin'"),
        ("baseline", {"last_stride": 3}, "option 'last_stride' cannot be 3"),
    ],
)
def test_a_wrong_name_option_or_value_is_one_clear_sentence(toy, name, options, message):
    with pytest.raises(UserError, match=message):
        create_model(name, 3, **options)


def test_a_model_needs_a_class(toy):
    with pytest.raises(UserError, match="num_classes is 0"):
        create_model(toy, 0)


def test_values_are_converted_to_the_declared_type(toy):
    assert create_model(toy, 2, scale=2).scale == 2.0
    assert isinstance(create_model(toy, 2, scale=2).scale, float)
