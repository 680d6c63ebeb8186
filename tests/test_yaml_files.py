import re

import pytest
import yaml

from occreid.errors import UserError
from occreid.yaml_files import dump_yaml, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1e-4", 1e-4),
        ("-1.5E+3", -1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        (".inf", float("inf")),
        ("+5", 5),
        ("0o17", 15),
        ("0x1F", 31),
        ("0", 0),
        ("-0", 0),
        ("0.5", 0.5),
        ("true", True),
        ("~", None),
        ("", None),
        *(
            (word, word)
            for word in ("no", "yes", "on", "off", "y", "n", "1:30", "1_000", "2026-03-01", "=", "0b11", "e5")
        ),
        ("'010'", "010"),
        ("~/data", "~/data"),
        ("/data/set#2", "/data/set#2"),
    ],
)
def test_scalars_are_what_people_take_them_for(text, meant):
    found = parse_yaml(f"a: {text}\n", "x")["a"]
    assert found == meant and type(found) is type(meant)


@pytest.mark.parametrize("text", ["010", "-007", "+00"])
def test_numbers_that_begin_with_0_are_refused_for_two_readers_differ(text):
    with pytest.raises(
        UserError, match=rf"the recipe is not valid YAML: line 2: the number {re.escape(text)} begins with 0"
    ):
        parse_yaml(f"b: 1\na: {text}\n", "the recipe")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "line 2: the key 'a' is given twice"),
        ("? [a, b]\n: c", "line 1: a key is a list or a mapping"),
        ("[" * 100_000, "recursion"),
        ("a: !!python/object:os.system x", "line 1: could not determine a constructor"),
        ("a: \x00", "#x0000"),
        ("a: [1", "line 1"),
        ("a: 1\n---\nb: 2", "document"),
    ],
)
def test_what_is_no_yaml_is_one_sentence(text, said):
    with pytest.raises(UserError, match=r"x\.yaml is not valid YAML") as error:
        parse_yaml(text, "x.yaml")
    assert said in str(error.value) and "\n" not in str(error.value)


def test_anchors_and_merges_work():
    assert parse_yaml("x: &a {b: 1}\ny:\n  <<: *a\n  c: 2", "x")["y"] == {"b": 1, "c": 2}


def test_files_are_read_in_utf8(tmp_path):
    (tmp_path / "a.yaml").write_bytes("\ufeffroot: D:/数据\n".encode())
    assert read_yaml(tmp_path / "a.yaml") == {"root": "D:/数据"}
    with pytest.raises(UserError, match=r"there is no recipe .*gone\.yaml\. Give a readable YAML file"):
        read_yaml(tmp_path / "gone.yaml", what="the recipe")


def test_what_is_dumped_is_read_back_here_and_by_yaml_1_1():
    words = [
        "1e3",
        "010",
        "1:30",
        "1_000",
        "no",
        "off",
        "~",
        "",
        "null",
        "0x1f",
        ".inf",
        "1.5",
        "2026-03-01",
        "a #b",
        "数",
    ]
    content = {"texts": words, "small": 1e-5, "none": None, "flag": False, "number": 10, "off": "off"}
    assert parse_yaml(dump_yaml(content), "x") == content == yaml.safe_load(dump_yaml(content))
