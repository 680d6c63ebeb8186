"""The page end to end in a real browser: choose, crop, filter, search, judge, look, export, by mouse and by keyboard.

Set OCCREID_SCREENSHOTS to a folder to keep pictures of what the browser showed.
"""

import os
import shutil
import socket
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import uvicorn

from occreid.retrieval.calibration import Calibration
from occreid.scenes.boxes import Box
from occreid.serve.app import create_app
from occreid.serve.caller import Caller
from occreid.serve.keys import Key, KeyRing, add_key
from occreid.serve.proposing import Proposer
from occreid.serve.scope import Scope
from occreid.serve.trail import read_audit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")
PERSONS = [
    [(60, 60, 200), (200, 80, 40), (60, 170, 60), (40, 40, 120)],
    [(30, 200, 200), (160, 40, 160), (150, 60, 20), (20, 90, 30)],
]
SMALL = """[...document.querySelectorAll("button, input")]
    .filter(e => e.offsetParent && e.type !== "file" && e.getBoundingClientRect().height < 17).map(e => e.id)"""
CURVE = Calibration(3.0, 0.05, "visible_parts", "p" * 64, 0.5, "toy persons", {}, {"ece": 0.012})


def person(which, hidden=(), noise=0):
    """A figure of four coloured parts, 128 × 64; hidden parts are grey."""
    pixels = np.full((128, 64, 3), 90, np.uint8)
    for place, colour in enumerate(PERSONS[which]):
        if place not in hidden:
            pixels[32 * place : 32 * place + 32] = np.clip(np.array(colour) + noise, 0, 255)
    return pixels


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def _persons_of_the_scene(frame):
    """A detector that knows one scene: everything else shows nobody."""
    if frame.pixels.shape[:2] != (240, 400):
        return []
    return [Box(40, 60, 64, 128, 0.9), Box(260, 60, 64, 128, 0.97), Box(150, 200, 20, 30, 0.2)]


@pytest.fixture
def site(make_service, parts_engine, tmp_path):
    """The running service with eight pictures of two persons, its address, and a key."""
    service = make_service(engine=parts_engine, calibration=CURVE)
    service.proposer = Proposer(_persons_of_the_scene)
    caller = Caller(Key("0", "setup", ("admin",), "", 0.0), "", "")
    for number in range(8):
        pixels = person(number % 2, hidden=(3,) if number > 5 else (), noise=5 * number)
        facts = {
            "camid": ("1", "2", "north gate")[number % 3],
            "timestamp": 1_700_000_000.0 + 3600 * number,
            "pid": ("anna", "zoe")[number % 2],
        }
        service.enrol(caller, png(pixels), None, tags=["hall"], **facts)
    _, token = add_key(tmp_path / "keys.json", "Anna <b>", ["search"])
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(service, KeyRing(tmp_path / "keys.json")), log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{place.getsockname()[1]}", token, tmp_path
    server.should_exit = True
    thread.join()


@pytest.fixture
def open_page(browser, site):
    """Open the page at a size; whatever it logs, fails to load or asks elsewhere ends the test."""
    contexts = []

    def make(width=1280, height=900, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                page.complaints.append(asked.url) if not asked.url.startswith((site[0], "data:", "blob:")) else None
            ),
        )
        contexts.append(context)
        page.goto(site[0])
        return page

    yield make
    for context in contexts:
        context.close()


def sign_in(page, token):
    page.locator("#key").fill(token)
    page.locator("#key").press("Enter")
    page.get_by_text("Signed in as Anna <b>").wait_for()


def search(page, pixels=None):
    page.locator("#file").set_input_files(
        {"name": "who.png", "mimeType": "image/png", "buffer": png(person(0) if pixels is None else pixels)}
    )
    page.locator("#go:enabled").wait_for()
    page.locator("#go").click()
    page.locator(".hit").first.wait_for()


def shoot(page, name):
    if folder := os.environ.get("OCCREID_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_search_from_sign_in_to_report(open_page, site):
    page = open_page()
    shoot(page, "key-1280")
    sign_in(page, site[1])
    search(page)
    assert page.locator("#status").inner_text() == "8 answers, most alike first."
    assert "person anna" in page.locator(".hit").first.inner_text()
    assert "% the same at even odds" in page.locator(".hit").first.inner_text()
    page.locator(".hit").nth(0).get_by_role("button", name="Right").click()
    page.locator(".hit").nth(7).get_by_role("button", name="Wrong").click()
    page.get_by_text("1 marked right, 1 wrong.").wait_for()
    page.get_by_role("button", name="Show where it looked").click()
    page.locator(".hit").nth(7).locator(".map:visible").wait_for()
    page.get_by_label("map").select_option("visible stripes")
    shown = page.locator(".map:visible").evaluate_all("maps => maps.map(map => map.alt)")
    assert shown == ["Where it looked: visible stripes"] * 9 and page.locator("#query .map:visible").count() == 1
    shoot(page, "answers-1280")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export report").click()
    report = Path(waiting.value.path()).read_text(encoding="utf-8")
    (found,) = [entry for entry in read_audit(site[2] / "audit.jsonl") if entry["action"] == "search"]
    assert (
        found["search"] in report
        and found["name"] == "Anna <b>"
        and "Anna &lt;b&gt;" in report
        and "Anna <b>" not in report
    )
    assert (
        report.count("data:image/jpeg") == 9 and ">right<" in report and ">wrong<" in report and "not judged" in report
    )
    marks = [entry["verdict"] for entry in read_audit(site[2] / "audit.jsonl") if entry["action"] == "mark"]
    assert marks == ["right", "wrong"] and not page.complaints
    # the report stands alone: open it and see
    alone = page.context.new_page()
    alone.set_content(report)
    assert alone.locator("tbody tr").count() == 8 and alone.locator("img").first.evaluate("i => i.naturalWidth") > 0
    shoot(alone, "report-1280")


def test_what_a_key_reaches_is_said_with_answers_and_in_the_report(open_page, site):
    page = open_page()
    _, token = add_key(site[2] / "keys.json", "Anna <b>", ["search"], scope=Scope(("north gate", "2"), ("hall",)))
    sign_in(page, token)
    search(page)
    reach = "this key's cameras: 2, north gate; this key's tags: hall"
    assert page.locator(".hit").count() == 5 and reach in page.locator("#query").inner_text()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export report").click()
    report = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert reach in report and "all entries" not in report and not page.complaints


def show_two_persons(page):
    """Choose a scene of 400 × 240 pixels with two persons, at 40 and at 260 pixels from the left."""
    scene = np.full((240, 400, 3), 120, np.uint8)
    scene[60:188, 40:104], scene[60:188, 260:324] = person(0), person(1)
    page.locator("#file").set_input_files({"name": "scene.png", "mimeType": "image/png", "buffer": png(scene)})


def test_part_of_a_larger_picture_by_pointer_and_by_keys(open_page, site):
    page = open_page()
    sign_in(page, site[1])
    show_two_persons(page)
    page.locator("#go:enabled").wait_for()
    area = page.locator("#shown").bounding_box()
    scale = area["width"] / 400
    page.mouse.move(area["x"] + 262 * scale, area["y"] + 61 * scale)
    page.mouse.down()
    page.mouse.move(area["x"] + 300 * scale, area["y"] + 120 * scale)
    page.mouse.move(area["x"] + 322 * scale, area["y"] + 187 * scale)
    page.mouse.up()
    numbers = [int(page.locator(f"#box-{name}").input_value()) for name in ("x", "y", "width", "height")]
    assert numbers == pytest.approx([262, 61, 60, 126], abs=3)
    shoot(page, "crop-1280")
    assert page.locator("#box").evaluate("b => b === document.activeElement")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    moved = [int(page.locator(f"#box-{name}").input_value()) for name in ("x", "y", "width", "height")]
    assert moved == [numbers[0] - 4, numbers[1], numbers[2], numbers[3] + 4]
    page.locator("#box-x").fill("260")
    page.locator("#box-x").press("Tab")
    page.locator("#go").click()
    page.locator(".hit").first.wait_for()
    assert "person zoe" in page.locator(".hit").first.inner_text()
    (found,) = [entry for entry in read_audit(site[2] / "audit.jsonl") if entry["action"] == "search"]
    assert found["box"] == ",".join(str(n) for n in [260, *moved[1:]])
    page.get_by_role("button", name="Whole picture").click()
    assert page.locator("#box").is_hidden() and page.locator("#box-width").input_value() == "400"
    assert not page.complaints


def test_a_person_that_was_found_is_chosen_by_a_click_and_the_picture_enlarged(open_page, site):
    page = open_page()
    sign_in(page, site[1])
    show_two_persons(page)
    page.get_by_text("2 persons found: click one").wait_for()
    assert page.locator(".proposal").count() == 2
    page.get_by_role("button", name="Person 1, 97 % sure").click()
    assert page.locator("#box-x").input_value() == "260" and page.locator("#box-height").input_value() == "128"
    assert page.locator(".proposal[aria-pressed=true]").count() == 1
    shoot(page, "proposed-1280")
    width = page.locator("#shown").bounding_box()["width"]
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    assert page.locator("#shown").bounding_box()["width"] == pytest.approx(3 * width, rel=0.02)
    view, box = (page.locator(name).bounding_box() for name in ("#view", "#box"))
    assert view["x"] <= box["x"] + box["width"] / 2 <= view["x"] + view["width"], "the chosen part is in view"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    shoot(page, "zoomed-1280")
    page.locator("#go").click()
    page.locator(".hit").first.wait_for()
    assert "person zoe" in page.locator(".hit").first.inner_text()
    lines = read_audit(site[2] / "audit.jsonl")
    assert [line["box"] for line in lines if line["action"] == "search"] == ["260,60,64,128"]
    assert [line["action"] for line in lines].count("boxes") == 1 and not page.complaints
    page.get_by_role("button", name="Zoom out").focus()
    page.keyboard.press("Enter")
    assert page.locator("#zoom-level").inner_text() == "200 %"


def test_filters_narrow_what_is_searched(open_page, site):
    page = open_page()
    sign_in(page, site[1])
    page.locator("#cameras").get_by_label("2", exact=True).check()
    page.get_by_label("from (UTC)").fill("2023-11-14T23:00:00")  # the first entry is of 22:13:20
    search(page)
    assert page.locator(".hit").count() == 3 and "camera 2" in page.locator(".hit").first.inner_text()
    page.get_by_label("until (UTC)").fill("2023-11-15T01:00:00")
    page.locator("#go").click()
    page.get_by_text("1 answers").wait_for()
    page.get_by_label("with tag").fill("nobody")
    page.locator("#go").click()
    page.get_by_text("Nobody in the gallery passes this filter.").wait_for()
    page.get_by_label("with tag").fill("'")
    page.locator("#go").click()
    page.get_by_text("is not a tag").wait_for()
    last = [entry for entry in read_audit(site[2] / "audit.jsonl") if entry["action"] == "search"][-1]
    assert last["filter"]["camids"] == ["2"] and last["filter"]["tags"] == ["nobody"]


def test_everything_by_keyboard(open_page, site):
    page = open_page()
    page.keyboard.type(site[1])  # the dialog has the focus
    page.keyboard.press("Enter")
    page.get_by_text("Signed in as").wait_for()
    page.locator("#file").focus()
    page.locator("#file").set_input_files({"name": "who.png", "mimeType": "image/png", "buffer": png(person(1))})
    page.locator("#go:enabled").wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "go":
            break
    page.keyboard.press("Enter")
    page.locator(".hit:focus").wait_for()
    page.keyboard.press("r")
    page.get_by_text("1 marked right, 0 wrong.").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("w")
    page.get_by_text("1 marked right, 1 wrong.").wait_for()
    page.keyboard.press("w")
    page.get_by_text("1 marked right, 0 wrong.").wait_for()
    page.keyboard.press("o")
    page.locator(".hit").nth(7).locator(".map:visible").wait_for()
    page.keyboard.press("o")
    page.get_by_text("Maps are hidden.").wait_for()
    assert page.locator(".map").count() == 0
    assert [page.locator(".hit").nth(i).get_attribute("class") for i in range(2)] == ["hit right", "hit"]
    assert not page.complaints


def test_a_wrong_key_and_a_wrong_file(open_page, site):
    page = open_page()
    page.locator("#key").fill("wrong")
    page.locator("#key").press("Enter")
    page.get_by_text("No valid key.").wait_for()
    sign_in(page, site[1])
    page.locator("#file").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_text("cannot show this picture").wait_for()
    page.locator("#go").click()
    page.get_by_text("this is no JPEG").wait_for()
    page.get_by_role("button", name="Sign out").click()
    assert page.evaluate("sessionStorage.length") == 0 and page.locator("#go").is_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_all_of_it(open_page, site, scheme):
    page = open_page(390, 844, scheme)
    shoot(page, f"key-390-{scheme}")
    sign_in(page, site[1])
    search(page, person(0, hidden=(2, 3)))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".parts").first.get_attribute("aria-label") in (
        "all parts seen",
        "not seen: lower legs and feet",
    )
    assert "not seen: upper legs, lower legs and feet" in page.locator("#query").inner_text()
    shoot(page, f"answers-390-{scheme}")
    show_two_persons(page)
    page.get_by_text("2 persons found: click one").wait_for()
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, f"proposed-390-{scheme}")
    small = page.evaluate(SMALL)
    assert small == [] and not page.complaints
