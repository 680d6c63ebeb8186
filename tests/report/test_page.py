import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods import Method
from occreid.report import write_report
from occreid.report.summary import TRIAL
from occreid.retrieval import evaluate

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """Elements of a page as (tag, attributes), the text, and whether every tag is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.open, self.faults = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.text.append(data)

    def of_class(self, *names):
        return [element for element in self.elements if set(names) <= set((element[1].get("class") or "").split())]

    def tags(self, name):
        return [attrs for tag, attrs in self.elements if tag == name]


@pytest.fixture(scope="session")
def html(split, entries, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "log.csv").write_text("step,loss\n1,5\n2,3\n")
    path = write_report(
        folder / "deep" / "report.html",
        title="Demo <&> page",
        entries=entries,
        split=split,
        lead="Six painted persons.",
        log=folder / "log.csv",
        recipe_text="method: {name: baseline}  # <not a tag>",
        commands=["occreid demo --out demo"],
        timings={"training": 65.2, "evaluation": 3.21},
        shown=1,
    )
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(html):
    return Page(html)


def test_well_formed_with_unique_ids_and_living_anchors(page):
    assert page.faults == [] and page.open == []
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    anchors = [attrs["href"] for attrs in page.tags("a")]
    assert anchors and {anchor[1:] for anchor in anchors} <= set(ids)
    for _, attrs in page.elements:
        assert set(attrs.get("aria-labelledby", "").split()) <= set(ids)


def test_an_oracle_is_marked_at_the_head_and_at_every_name(split, entries, page, tmp_path):
    assert not page.of_class("oracle") and "ORACLE" not in "".join(page.text)
    told = [with_oracle(entry, "exact masks of the <test> images") for entry in entries[:2]]
    file = write_report(tmp_path / "r.html", title="T", entries=told, split=split, shown=1)
    told_page = Page(file.read_text(encoding="utf-8"))
    assert len(told_page.of_class("oracle")) == 1 and not told_page.faults
    said = "".join(told_page.text)
    assert "ORACLE: exact masks of the <test> images. Nobody has that in use" in said
    names = [text for text in told_page.text if "perfect" in text.lower() or "hopeless" in text]
    assert names and all("ORACLE" in text for text in names), names


def test_an_oracle_is_not_compared_with_an_honest_result(split, entries, tmp_path):
    with pytest.raises(UserError, match="oracle: exact masks / "):
        both = [with_oracle(entries[0], "exact masks"), entries[1]]
        write_report(tmp_path / "r.html", title="T", entries=both, split=split)


def with_oracle(entry, oracle):
    return replace(entry, ranking=replace(entry.ranking, protocol=replace(entry.ranking.protocol, oracle=oracle)))


def test_loads_nothing_from_anywhere(html, page):
    assert not page.tags("script") and not page.tags("link") and not page.tags("iframe")
    assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in page.tags("img"))
    assert "//" not in "".join(str(value) for _, attrs in page.elements for key, value in attrs.items() if key != "src")
    assert "url(" not in html.replace("url(#", "") and "@import" not in html


def test_semantics(page):
    assert len(page.tags("h1")) == len(page.tags("main")) == len(page.tags("nav")) == 1
    assert page.tags("html")[0]["lang"] == "en"
    assert all(attrs["alt"] for attrs in page.tags("img"))
    assert all(attrs.get("scope") for attrs in page.tags("th"))
    titles = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert all(after <= before + 1 for before, after in pairwise(titles))


def test_every_list_has_its_frames_and_marks(page, split, entries):
    queries = 4  # one differing, one random, one worst, one best
    lists = queries * len(entries)
    assert len(page.of_class("ranked")) == queries
    assert len(page.of_class("query")) == lists
    assert len(page.of_class("hit")) == lists * 10
    right, wrong = page.of_class("hit", "right"), page.of_class("hit", "wrong")
    assert len(right) + len(wrong) == lists * 10 and right and wrong
    words = [text for text in page.text if text in {"✓ right", "✗ wrong"}]
    assert words.count("✓ right") == len(right), "a mark in words beside every colour"
    assert words.count("✗ wrong") == len(wrong)
    assert len(page.tags("details")) == queries


def test_occlusion_is_told(page):
    said = "".join(page.text)
    assert "62\u202f% visible, behind a car" in said or "30\u202f% visible, behind a bin" in said
    assert len(page.of_class("parts")) == len(page.tags("img")), "every record here knows its visibility"
    assert page.of_class("hidden-tag")


def test_headings_protocol_recipe_and_commands_are_there(page):
    said = "".join(page.text)
    for wanted in (
        "Perfect reaches 100.0\u202f% mAP",
        "Six painted persons.",
        "step form",
        "6 counted, 0 skipped",
        "set aside",
        "the tests",
        "occreid demo --out demo",
        "# <not a tag>",
        "1 min 05 s",
        "3.2 s",
        "torch",
        "Where it fails",
    ):
        assert wanted in said, wanted
    assert len(page.tags("svg")) == 3 + 3  # the distances of three methods


def test_without_log_and_recipe_their_sections_go(split, entries, tmp_path):
    path = write_report(tmp_path / "r.html", title="t", entries=entries[:1], split=split, shown=1)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.faults == []
    assert not any(attrs.get("id") == "losses" for attrs in page.tags("section"))
    assert len(page.tags("svg")) == 3 and not page.tags("details") and not page.tags("pre")


def test_same_input_same_bytes(split, entries, tmp_path):
    first, second = (
        write_report(tmp_path / name, title="t", entries=entries[:1], split=split, shown=1).read_bytes()
        for name in ("a.html", "b.html")
    )
    assert first == second


def test_hostile_names_stay_text(split, entries, tmp_path):
    name = '"><img src=x onerror=alert(1)>.png'
    hostile = tmp_path / name
    shutil.copy(split.gallery[0].path, hostile)
    gallery = tuple(replace(r, path=hostile, occluder_kind="<script>alert(2)</script>") for r in split.gallery)
    evil = [replace(entries[0], name="<b>best</b>", note="</table>")]
    path = write_report(
        tmp_path / "r.html",
        title="</title><script>alert(3)</script>",
        entries=evil,
        split=replace(split, gallery=gallery, name="<i>mini</i>"),
        recipe_text="</code></pre><script>alert(4)</script>",
        shown=1,
    )
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert not page.tags("script") and page.faults == []
    assert not any("onerror" in attrs for _, attrs in page.elements)
    assert name in {attrs.get("title") for attrs in page.tags("img")}
    assert "<script>alert(4)</script>" in "".join(page.text)
    assert str(tmp_path) not in html, "no folder of this machine"


def test_a_vanished_image_is_named_and_nothing_is_written(split, entries, tmp_path):
    gone = replace(split, gallery=tuple(replace(r, path=r.path.with_name("gone.png")) for r in split.gallery))
    with pytest.raises(UserError, match=r"gone\.png"):
        write_report(tmp_path / "r.html", title="t", entries=entries[:1], split=gone)
    assert list(tmp_path.iterdir()) == []


def test_entries_of_two_protocols_are_refused(split, entries, tmp_path):
    protocol = replace(entries[1].ranking.protocol, ap="trapezoid")
    other = replace(entries[1], ranking=replace(entries[1].ranking, protocol=protocol))
    with pytest.raises(
        UserError, match=r"perfect and hopeless are ranked under two protocols \(ap: step / trapezoid\)"
    ):
        write_report(tmp_path / "r.html", title="t", entries=[entries[0], other], split=split)


def test_no_entry_is_refused(split, tmp_path):
    with pytest.raises(UserError, match="at least one method"):
        write_report(tmp_path / "r.html", title="t", entries=[], split=split)


def test_an_unwritable_place_is_named(split, entries, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*report\.html"):
        write_report(tmp_path / "file" / "report.html", title="t", entries=entries[:1], split=split, shown=1)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_draws_it(width, html, tmp_path):
    """A smoke test of what only a browser can tell: the page is drawn, and is no wider than the screen."""
    browser = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if browser is None:
        pytest.skip("no Chromium found: the report was not looked at in a browser")
    probe = "<script>onload=()=>{document.title=innerWidth+' '+document.documentElement.scrollWidth}</script>"
    bare = html.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';", 1)
    (tmp_path / "r.html").write_text(bare.replace("</body>", probe + "</body>"), encoding="utf-8")
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            *quiet,
            f"--window-size={width},900",
            "--dump-dom",
            (tmp_path / "r.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    shown, needed = map(int, done.stdout.split("<title>")[1].split("</title>")[0].split())
    assert needed <= shown


def test_single_shot_and_reranking_are_stated(split, entries, tmp_path):
    first = entries[0]
    drawn = evaluate(first.query, first.gallery, "euclidean", split.same_camera, shots="single", draws=3)
    protocol = replace(drawn.protocol, ap="trapezoid", rerank={"method": "k-reciprocal", "k1": 20})
    entry = replace(first, ranking=replace(drawn, protocol=protocol))
    path = write_report(tmp_path / "r.html", title="t", entries=[entry], split=split, shown=1)
    said = "".join(Page(path.read_text(encoding="utf-8")).text)
    for wanted in ("one image per person, drawn 3 times", "trapezoidal", "method k-reciprocal, k1 20"):
        assert wanted in said, wanted


def test_queries_without_a_match_are_counted_and_never_shown(split, entries, tmp_path):
    alone = replace(split, query=tuple(replace(r, pid=99) if r.pid == 2 else r for r in split.query))
    query = replace(entries[0].query, pids=torch.tensor([r.pid for r in alone.query]))
    ranking = evaluate(query, entries[0].gallery, "euclidean", split.same_camera)
    entry = replace(entries[0], query=query, ranking=ranking)
    path = write_report(tmp_path / "r.html", title="t", entries=[entry], split=alone, shown=9)
    page = Page(path.read_text(encoding="utf-8"))
    assert "5 counted, 1 skipped" in "".join(page.text)
    assert len(page.of_class("ranked")) == 5
    assert not any("Person 99" in text for text in page.text)


class Looking(Method):
    input_size = (64, 32)

    def describe(self, images, masks=None):
        return Descriptors(images.float().mean((2, 3)))

    def explain(self, images, masks=None):
        return {"upper half": torch.tensor([1.0, 0.0]).view(1, 2, 1).expand(len(images), 2, 1)}


@pytest.fixture
def compared(split, entries, log, tmp_path):
    """A page about two runs with maps, logs and neighbours."""
    perfect = replace(entries[0], model=Looking(), log=log, trusted=lambda row: [(0, 0.25), (1, 0.75)])
    pair = [perfect, replace(entries[1], log=log)]
    path = write_report(tmp_path / "r.html", title="Two runs", entries=pair, split=split, shown=1)
    return path.read_text(encoding="utf-8")


def test_several_runs_start_with_the_queries_in_which_they_differ(compared, entries):
    page = Page(compared)
    text = " ".join(" ".join(page.text).split())
    assert text.index("Where they differ most") < text.index("Drawn at random")
    assert next(attrs for tag, attrs in page.elements if tag == "details").keys() == {"open"}
    gaps = abs(entries[0].ranking.average_precision - entries[1].ranking.average_precision)
    assert f"Person {gaps.argmax()}, camera 1" in text


def test_what_a_model_looked_at_and_whom_it_trusted(compared, split):
    page = Page(compared)
    text = " ".join(" ".join(page.text).split())
    assert text.index("What it looked at") < text.index("trust 0.75") < text.index("trust 0.25")
    maps = [attrs for attrs in page.tags("img") if attrs["alt"] == "upper half of perfect"]
    assert 1 <= len(maps) <= 4
    assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in maps)
    assert ("a", {"href": "#looks"}) in page.elements


def test_every_run_has_its_losses_and_distances(compared):
    page = Page(compared)
    labels = [attrs.get("aria-label", "") for attrs in page.tags("svg")]
    assert sum(label.startswith("Losses over") for label in labels) == 2
    assert sum(label.startswith("Distances.") for label in labels) == 2
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert not page.faults


def test_without_a_model_nothing_is_said_of_what_it_looked_at(html):
    assert "What it looked at" not in html


@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_without_a_word_on_its_console(width, compared, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: the console was not looked at")
    browser = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium found: the report was not looked at in a browser")
    (tmp_path / "r.html").write_text(compared, encoding="utf-8")
    said, asked = [], []
    with playwright.sync_playwright() as driver:
        window = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = window.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "r.html").as_uri())
        drawn = page.screenshot(full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).length")
        shown = page.evaluate("getComputedStyle(document.querySelector('.maps img')).width")
        window.close()
    assert said == []
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert overflow <= 0
    assert broken == 0
    assert 60 <= float(shown.removesuffix("px")) <= 120
    image = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1] == width and image.std() > 10  # something is on it


def test_scores_on_the_way_are_drawn_where_there_were_several(split, entries, log, tmp_path):
    def labels():
        path = write_report(tmp_path / "r.html", title="t", entries=entries[:1], split=split, log=log, shown=1)
        return [attrs.get("aria-label", "") for attrs in Page(path.read_text(encoding="utf-8")).tags("svg")]

    evaluation = log.with_name("evaluation.csv")
    evaluation.write_text("stage,epoch,mAP,R-1\nmain,4,0.1,0.2\n")
    assert not any(label.startswith("Scores over") for label in labels())
    evaluation.write_text("stage,epoch,mAP,R-1\nmain,4,0.1,0.2\nmain,8,0.3,0.25\n")
    assert "Scores over epoch. mAP from 10.0% to 30.0%; R-1 from 20.0% to 25.0%" in labels()


def test_a_set_too_small_to_judge_by_gets_no_verdict(split, entries, tmp_path):
    file = write_report(tmp_path / "r.html", title="T", entries=entries, split=split, shown=1, trial=True)
    text = file.read_text(encoding="utf-8")
    assert TRIAL in text and " points above " not in text and " points below " not in text
    (tiles,) = re.findall(r'<ul class="tiles">(.*?)</ul>', text, re.S)
    assert tiles.count("<li>") == 1 and "queries over" in tiles
