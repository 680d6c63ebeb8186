import json
import re
import shutil

import pytest

from occreid.errors import UserError
from occreid.retrieval.calibration import Calibration


def test_calibrating_writes_a_file_and_says_what_it_is_worth(cli, extracted, tmp_path):
    done = cli("calibrate", extracted / "query", "--prior", 0.2)
    assert (
        re.search(r"expected calibration error 0\.\d+, Brier score 0\.\d+", done.stdout)
        and "too sure" not in done.stderr
    )
    found = Calibration.load(tmp_path / "calibration.json", weights_hash="w", metric="cosine")
    assert found.prior == 0.2 and found.fitted_on == "toy query"


def test_a_curve_is_checked_on_other_descriptors(cli, extracted, tmp_path):
    text = cli("calibrate", extracted / "train", "--check", extracted / "query").stdout
    assert re.search(r"on .*query: expected calibration error 0\.\d+, Brier", text)
    other = tmp_path / "other"
    shutil.copytree(extracted, other)
    about = json.loads((other / "extraction.json").read_text())
    (other / "extraction.json").write_text(json.dumps({**about, "weights_sha256": "v"}))
    with pytest.raises(UserError, match="another model"):
        cli("calibrate", extracted / "train", "--check", other / "query")


def test_calibrating_on_training_persons_is_warned_of(cli, extracted):
    assert "too sure" in cli("calibrate", extracted / "train", "--out", "c.json").stderr
    assert json.loads(cli("calibrate", extracted / "train", "--out", "c.json", "--json").stdout)["metric"] == "cosine"


def test_descriptors_of_unknown_origin_are_refused(cli, extracted):
    (extracted / "extraction.json").unlink()
    with pytest.raises(UserError, match="occreid extract"):
        cli("calibrate", extracted / "query")
