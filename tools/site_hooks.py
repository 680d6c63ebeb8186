"""What `make docs` adds to the pages in docs/: commands, results, examples and the root's pages, with links that hold.

In the repository a page links to its neighbours by relative paths (``../results/han.md``). In the site docs/ is the
root, so these links are turned; a link to a file that the site does not have ends the build.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BESIDE = (
    "results/*.md",
    "results/*.svg",
    "examples/*",
    "examples/*/*",
    "notebooks/*.ipynb",
    "container/*",
    "*.md",
    "LICENSE",
)
"""What the site shows besides docs/, as globs from the root of the checkout."""
_LINK = re.compile(r"(?<!`)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the navigation."""
    config.nav = completed(config.nav or [])
    return config


def completed(navigation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The navigation with every page of a folder where it says ``folder/*``.

    A page of docs/ that it does not name comes last in its last section, so that nothing is ever out of reach.
    """
    sections = [
        {
            title: [{n: pages_of(p) for n, p in entry.items()} for entry in inside]
            if isinstance(inside, list)
            else inside
        }
        for section in navigation
        for title, inside in section.items()
    ]
    placed = set(places(sections))
    left = sorted(path for path in (ROOT / "docs").rglob("*.md") if _name(path, ROOT / "docs") not in placed)
    last = next(iter(sections[-1].values()))
    last += [{_title(path): _name(path, ROOT / "docs")} for path in left]
    return sections


def places(entry: Any) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(entry, str):
        yield entry
        return
    for inner in entry.values() if isinstance(entry, dict) else entry:
        yield from places(inner)


def pages_of(entry: str) -> str | list[dict[str, str]]:
    """An entry of the navigation: itself, or of ``folder/*`` title → page of each page there, sorted by file name."""
    if not entry.endswith("/*"):
        return entry
    folder = entry.removesuffix("/*")
    above = ROOT / "docs" if (ROOT / "docs" / folder).is_dir() else ROOT
    return [{_title(path): _name(path, above)} for path in sorted((above / folder).glob("*.md"))]


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Take in what lies beside docs/."""
    from mkdocs.structure.files import File

    for pattern in BESIDE:
        for path in sorted(ROOT.glob(pattern)):
            name = _name(path, ROOT)
            if path.is_file() and name != "README.md":
                files.append(File.generated(config, name, abs_src_path=str(path)))
    files.append(File.generated(config, "reference/commands.md", content=_commands()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Turn the links of one page."""
    name = page.file.src_uri
    here = f"docs/{name}" if (ROOT / "docs" / name).is_file() else name
    return _LINK.sub(lambda link: f"]({site_link(here, link[1])}{link[2] or ''})", markdown)


def site_link(page: str, link: str) -> str:
    """A link of a page as the site needs it.

    Args:
        page: the page's path in the checkout.
        link: what it links to, relative to it; addresses stay as they are.

    >>> site_link("docs/using.md", "../results/foreign.md"), site_link("docs/methods/han.md", "../training.md")
    ('results/foreign.md', '../training.md')
    >>> site_link("results/ssgr.md", "../docs/study.md"), site_link("CONTRIBUTING.md", "docs/architecture.md")
    ('../study.md', 'architecture.md')
    """
    if re.match(r"[a-z]+:", link):
        return link
    target = os.path.normpath(os.path.join(os.path.dirname(page), link))
    return os.path.relpath(target.removeprefix("docs/"), os.path.dirname(page.removeprefix("docs/")) or ".")


def _name(path: Path, above: Path) -> str:
    return path.relative_to(above).as_posix()


def _commands() -> str:
    for folder in ("src", "tools"):
        sys.path.insert(0, str(ROOT / folder))
    from command_reference import page

    return page()


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ").partition(":")[0].strip()
