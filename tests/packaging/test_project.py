"""The files that a forge reads: they parse, and call what there is."""

import re
from pathlib import Path

import pytest
import yaml

import occreid

ROOT = Path(__file__).parents[2]
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
METHODS = {"ssgr", "hpnet", "sureid", "orgnn", "han"}


@pytest.mark.parametrize("name", [".github/workflows/ci.yml", "CONTRIBUTING.md", "README.md", "docs/installing.md"])
def test_every_target_that_is_named_is_there(name):
    named = re.findall(r"(?:run: |`|^)make ([a-z][\w-]*)", (ROOT / name).read_text("utf-8"), re.M)
    assert named and set(named) <= TARGETS


def test_targets_are_listed_by_make_help_and_never_mistaken_for_files():
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = set(re.search(r"^\.PHONY: (.+)$", text, re.M)[1].split())
    assert {t for t in TARGETS if not t.startswith("$")} <= phony
    assert phony == set(re.findall(r"^([\w-]+):.*## ", text, re.M))


def test_the_matrix_has_the_pythons_that_the_package_takes():
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]["pythons"]["strategy"][
        "matrix"
    ]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert matrix["python"] == re.findall(r'Python :: (3\.\d+)"', project)
    assert matrix["torch"] == ["locked", "lowest"]
    lowest = re.search(r'"torch>=(\d+\.\d+)', project)[1]
    assert f"torch=={lowest}.*" in (ROOT / "tools" / "test_pythons.sh").read_text("utf-8")


def test_the_five_papers_can_be_cited():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {entry["notes"].removeprefix("the method ") for entry in citation["references"]} == METHODS
    assert all(entry["authors"] and entry["title"] and entry["year"] for entry in citation["references"])
    assert set(occreid.list_methods()) >= METHODS


def test_templates_for_issues_parse_and_ask_for_something():
    for file in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(file.read_text("utf-8"))
        if file.stem != "config":
            assert form["name"] and form["description"]
            assert any(field.get("validations", {}).get("required") for field in form["body"] if "id" in field) or any(
                option.get("required") for field in form["body"] for option in field["attributes"].get("options", ())
            )
