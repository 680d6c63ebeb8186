"""The site's frame: every page has a place of one kind, its links are turned right, the generated page is whole."""

from pathlib import Path

import pytest
import yaml

from site_hooks import completed, places, site_link

ROOT = Path(__file__).parents[2]
KINDS = ["Tutorials", "How to", "Reference", "Explanation"]


@pytest.fixture(scope="module")
def navigation():
    return completed(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])


def test_every_page_is_of_one_kind(navigation):
    assert [next(iter(section)) for section in navigation] == ["Home", *KINDS]
    placed = list(places(navigation))
    assert len(placed) == len(set(placed))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(placed)
    others = set(placed) - pages - {"reference/commands.md"}  # which is made when the site is
    assert all((ROOT / page).is_file() for page in others)
    assert {"results/README.md", "CHANGELOG.md"} <= others


def test_a_folder_and_a_page_without_a_place_get_one():
    sections = completed([{"Home": "index.md"}, {"Explanation": [{"Methods": "methods/*"}]}])
    (methods, *rest) = sections[1]["Explanation"]
    assert {"SSGR": "methods/ssgr.md"} in methods["Methods"]
    assert {"Using a model": "using.md"} in rest and {"occreid": "index.md"} not in rest


def test_every_command_is_in_the_reference():
    from command_reference import page

    text = page()
    assert len(text.splitlines()) > 300
    for command in ("train", "evaluate", "data split", "gallery add", "serve", "serve keys add", "push"):
        assert f"\n## occreid {command}\n" in text
    assert "| `--intervals` |" in text and "Default: `10`." in text


def test_links_out_of_the_pages_are_turned():
    assert site_link("docs/using.md", "../results/foreign.md") == "results/foreign.md"
    assert site_link("docs/methods/orgnn.md", "../../results/orgnn.md") == "../results/orgnn.md"
    assert site_link("results/ssgr.md", "../docs/study.md") == "../study.md"
    assert site_link("CONTRIBUTING.md", "docs/architecture.md") == "architecture.md"
    assert site_link("docs/using.md", "https://example.org/a.md") == "https://example.org/a.md"
