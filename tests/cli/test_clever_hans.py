import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import clever_hans as lab
from occreid.cli.groups import add
from occreid.errors import UserError


def call(*words):
    app = typer.Typer()
    add(app, lab)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["clever-hans", *map(str, words)])
    if isinstance(result.exception, UserError):
        result.exception.add_note(result.stdout)  # what was said before
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}


@pytest.fixture
def draw(tmp_path):
    """Write a benchmark in which six persons stand behind one of three kinds, two things of each."""

    def make(colour):
        root, rows = tmp_path / "synth", []
        shots = [("query", pid, 0, f"{pid % 3}-{pid // 3}") for pid in range(6)]
        shots += [("gallery", pid, 1, None) for pid in range(6)]
        shots += [("gallery", pid, 2, f"{(pid + 1) % 3}-{pid // 3}") for pid in range(6)]
        for split, pid, camid, thing in [("train", 99, 0, None), *shots]:
            file = f"{FOLDERS[split]}/{pid:04d}_c{camid + 1}s1_000001_00.png"
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 32), colour(pid, thing)).save(root / file)
            row = {"file": file, "split": split, "pid": pid, "camid": camid, "occluded": thing is not None, "time": 1.0}
            row |= {"occluder_kind": thing and thing[0], "occluder_id": thing, "mask": None}
            parts = ("head", "torso_arms", "upper_legs", "lower_legs_feet")
            rows.append(row | {f"visible_{part}": 1.0 for part in parts})
        pq.write_table(pa.Table.from_pylist(rows), root / "occsynth.parquet")
        return root

    return make


THINGS = {None: (40, 40, 40), "0-0": (250, 0, 0), "0-1": (250, 60, 0)}
THINGS |= {"1-0": (0, 250, 0), "1-1": (0, 250, 60), "2-0": (0, 0, 250), "2-1": (60, 0, 250)}


def test_natural_occluders_tell_a_model_that_sees_nothing_else(make_run, draw):
    run, on = make_run(), f"occsynth={draw(lambda pid, thing: THINGS[thing])}"
    text = call(run, "--on", on, "--natural", "kind")
    assert text.startswith("occsynth: Clever Hans score without pasting 1.000 (95 % 1.000 to 1.000), 6 of 6 queries")
    assert "wins behind the query's kind: 100.0 % (24 pairs with a right one)" in text and "(36 pairs)" in text
    (row,) = json.loads(call(run, "--on", on, "--natural", "id", "--json"))
    assert row["by"] == "id" and row["fooled"] == 1 and row["queries"] == row["persons"] == 6
    assert (row["shared_pairs"], row["other_pairs"], row["oracle"]) == (12, 12, "")


def test_natural_occluders_of_a_model_that_sees_the_person(make_run, draw):
    root = draw(lambda pid, thing: (9, 40 * pid, 120))
    assert "pasting 0.000 (95 % 0.000 to 0.000)" in call(make_run(), "--on", f"occsynth={root}", "--natural", "kind")


def test_saved_descriptors_do_as_well(make_run, draw, tmp_path, occreid_cli):
    run, on, out = make_run(cls="Refining"), f"occsynth={draw(lambda pid, thing: THINGS[thing])}", tmp_path / "d"
    occreid_cli("extract", run, "--on", on, "--out", out)
    words = ("--natural", "id", "--seed", 3, "--json")
    assert json.loads(call(out, *words)) == json.loads(call(run, "--on", on, *words))
    about = json.loads((out / "extraction.json").read_text())
    assert about.pop("occluders")[0] == [list("012012"), ["0-0", "1-0", "2-0", "0-1", "1-1", "2-1"]]
    (out / "extraction.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match="without what hides each person"):
        call(out, "--natural", "kind")
    occreid_cli("evaluate", out, "--out", tmp_path / "r.json")
    assert "occluders" not in (tmp_path / "r.json").read_text()


def test_natural_occluders_of_oracle_masks_are_marked(make_run, draw):
    root = draw(lambda pid, thing: THINGS[thing])
    table = pq.read_table(root / "occsynth.parquet").to_pylist()
    (root / "masks").mkdir()
    for number, row in enumerate(table):
        row["mask"] = f"masks/{number}.png"
        Image.new("L", (16, 32), 1).save(root / row["mask"])
    pq.write_table(pa.Table.from_pylist(table), root / "occsynth.parquet")
    words = ("--on", f"occsynth={root}", "--option", "test_masks=exact", "--natural", "kind")
    assert "ORACLE: exact masks of the test images" in call(make_run(), *words)


def test_a_run_is_asked_on_what_it_was_trained_on(make_run, tmp_path):
    run, sheet = make_run(), tmp_path / "sheet.png"
    text = call(run, "--trials", 12, "--sheet", sheet)
    assert text.startswith("market1501: Clever Hans score ") and "12 trials" in text
    with Image.open(sheet) as shown:
        assert shown.width > 300
    (row,) = json.loads(call(run, "--trials", 12, "--json"))
    assert 0 <= row["interval"][0] <= row["score"] <= row["interval"][1] <= 1
    assert row["benchmark"] == "market1501" and row["trials"] == 12 and row["share"] == 0.4
    assert json.loads(call(run, "--trials", 12, "--json"))[0] == row


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_sheet_that_cannot_be_written_takes_no_figure_away(make_run, tmp_path, words):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write") as refused:
        call(make_run(), "--trials", 6, "--sheet", tmp_path / "file/sheet.png", *words)
    said = refused.value.__notes__[0]
    assert json.loads(said)[0]["trials"] == 6 if words else "6 trials" in said


def test_mistakes_are_named(make_run, tmp_path):
    run = make_run()
    with pytest.raises(UserError, match="no folder of occluders"):
        call(run, "--occluders", tmp_path / "none")
    with pytest.raises(UserError, match="out of range"):
        call(run, "--share", 0.95)
    with pytest.raises(UserError, match=r"--natural cannot be 'kinds'.*kind"):
        call(run, "--natural", "kinds")
    with pytest.raises(UserError, match="no sheet of natural occluders"):
        call(run, "--natural", "kind", "--sheet", tmp_path / "s.png")
    with pytest.raises(UserError, match="does not say what hides the persons of its queries"):
        call(run, "--natural", "kind")
