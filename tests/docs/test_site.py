"""The site's frame: every page has a place of one kind, its links are turned right, the generated page is whole."""

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
KINDS = ["Tutorials", "How to", "Reference", "Explanation"]


def _pages(entry):
    if isinstance(entry, str):
        folder = ROOT / "docs" / entry.removesuffix("/*")
        yield from (f"{folder.name}/{p.name}" for p in folder.glob("*.md")) if entry.endswith("/*") else [entry]
    for inner in entry if isinstance(entry, list) else entry.values() if isinstance(entry, dict) else ():
        yield from _pages(inner)


@pytest.fixture(scope="module")
def navigation():
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]


def test_every_page_is_of_one_kind(navigation):
    assert [next(iter(section)) for section in navigation] == ["Home", *KINDS]
    placed = [page for section in navigation for page in _pages(section)]
    assert len(placed) == len(set(placed))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages |= {"reference/commands.md"}  # made by tools/site_hooks.py
    assert pages - set(placed) == set(), "give each of these pages a place in mkdocs.yml"
    root = {page for page in placed if page.endswith(".md")} - pages
    assert all((ROOT / page).is_file() for page in root)


def test_every_command_is_in_the_reference():
    from command_reference import page

    text = page()
    assert len(text.splitlines()) > 300
    for command in ("train", "evaluate", "data split", "gallery add", "serve", "serve keys add", "push"):
        assert f"\n## occreid {command}\n" in text
    assert "| `--intervals` |" in text and "Default: `10`." in text


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="the extra docs is not installed")
def test_links_out_of_the_pages_are_turned():
    from site_hooks import site_link

    assert site_link("docs/using.md", "../results/foreign.md") == "results/foreign.md"
    assert site_link("docs/methods/orgnn.md", "../../results/orgnn.md") == "../results/orgnn.md"
    assert site_link("results/ssgr.md", "../docs/study.md") == "../study.md"
    assert site_link("CONTRIBUTING.md", "docs/architecture.md") == "architecture.md"
    assert site_link("docs/using.md", "https://example.org/a.md") == "https://example.org/a.md"
