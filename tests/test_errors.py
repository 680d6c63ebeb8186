import pickle

import pytest

from occreid.errors import UserError, did_you_mean, reason, require, worded


def test_a_user_error_reads_as_problem_then_mend():
    error = UserError("no file 'a.jpg'.", "Give an existing file.")
    assert (error.problem, error.hint, str(error)) == (
        "no file 'a.jpg'.",
        "Give an existing file.",
        "no file 'a.jpg'. Give an existing file.",
    )
    assert str(UserError("only a problem.")) == "only a problem."


def test_a_user_error_survives_the_trip_from_a_worker_process():
    error = pickle.loads(pickle.dumps(UserError("bad 'x'.", "Mend it.")))
    assert (error.problem, error.hint) == ("bad 'x'.", "Mend it.")


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("hieght", ["height", "width"], "Did you mean 'height'?"),
        ("qqq", ["width", "height"], "Known: height, width."),
        ("anything", [], ""),
    ],
)
def test_did_you_mean(word, known, expected):
    assert did_you_mean(word, known) == expected


def test_require_gives_the_module_or_names_the_extra():
    assert require("json", "any").loads("1") == 1
    with pytest.raises(UserError, match=r"occreid\[synth\]") as caught:
        require("a_package_nobody_has", "synth")
    assert "a_package_nobody_has" in caught.value.problem


def test_require_does_not_hide_a_broken_installation(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import something_it_needs_and_lacks\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_it_needs_and_lacks"):
        require("half_installed", "synth")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("of all things"), SyntaxError("of all things"), MemoryError("of all things\nmore")]
)
def test_whatever_is_raised_over_a_file_becomes_a_sentence(error):
    with pytest.raises(UserError) as caught, worded("a.bin is damaged", "Copy it again."):
        raise error
    assert str(caught.value) == "a.bin is damaged (of all things). Copy it again." and caught.value.__cause__ is error


def test_a_sentence_passes_and_so_does_an_interrupt():
    with pytest.raises(UserError, match=r"^own words\.$"), worded("other"):
        raise UserError("own words.")
    with pytest.raises(KeyboardInterrupt), worded("other"):
        raise KeyboardInterrupt


def test_the_reason_is_short():
    assert reason(OSError(28, "No space left on device", "/secret")) == "No space left on device"
    assert len(reason(ValueError("x" * 1000))) == 200
