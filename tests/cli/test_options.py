import pytest

from occreid.cli.options import parse_benchmarks, parse_numbers, parse_options, parse_words, require_known
from occreid.errors import UserError


def test_options_become_a_dictionary_and_keep_their_commas():
    assert parse_options([" strict=false", "distractors=0,9", "root=a=b", "note="]) == {
        "strict": "false",
        "distractors": "0,9",
        "root": "a=b",
        "note": "",
    }
    assert parse_options(None) == {}


def test_benchmarks_are_pairs_of_name_and_folder():
    ((name, root),) = parse_benchmarks(["market1501=data/a=b"])
    assert (name, root.as_posix()) == ("market1501", "data/a=b")
    assert parse_benchmarks(None) is None


def test_numbers_and_words_are_lists():
    assert parse_numbers("--ranks", "1, 5", int, "1,5") == [1, 5]
    assert parse_numbers("--size", "256x128", int, "256x128", separator="x") == [256, 128]
    assert parse_numbers("--levels", "0,0.5", float, "0,0.4") == [0, 0.5]
    assert parse_words("--parts", "query, gallery", ("query", "gallery")) == ["query", "gallery"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parse_options(["strict"]), "--option strict is not KEY=VALUE"),
        (lambda: parse_options(["=1"]), "not KEY=VALUE"),
        (lambda: parse_benchmarks(["market1501"]), "--on market1501 is not NAME=ROOT"),
        (lambda: parse_benchmarks(["market1501="]), "not NAME=ROOT"),
        (lambda: parse_numbers("--ranks", "1,x", int, "1,5"), "--ranks 1,x is not a list of numbers. For example"),
        (lambda: parse_numbers("--ranks", "1,0", int, "1,5", least=1), "holds a number below 1"),
        (lambda: parse_words("--parts", "query,galery", ("query", "gallery")), "Did you mean 'gallery'"),
        (lambda: parse_words("--parts", " ,", ("query",)), "--parts cannot be"),
        (lambda: require_known("--fill", "gray", ("grey", "blur")), "--fill cannot be 'gray'. Did you mean 'grey'"),
    ],
)
def test_mistakes_name_the_option(call, message):
    with pytest.raises(UserError) as caught:
        call()
    assert message in str(caught.value)
