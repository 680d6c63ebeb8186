import json
import shutil

import pytest

from occreid.demo.plan import Plan
from occreid.demo.run import run_demo
from occreid.errors import UserError


def test_everything_is_in_its_place(finished):
    out, _, results = finished
    shown = {p.name for p in out.iterdir() if not p.name.startswith(".")}
    assert shown == {"occsynth", "occsynth.json", "run", "report.html", "results.json"}
    assert json.loads((out / "results.json").read_text()) == results
    assert (out / "run" / "model.safetensors").is_file()
    html = (out / "report.html").read_text()
    for name in results["methods"]:
        assert name in html
    assert "behind a bin" in html and "nobody in them exists" in html
    assert out.parent.name not in html, "no folder of this machine"


def test_all_methods_are_measured_alike_and_the_stages_timed(finished):
    _, said, results = finished
    assert list(results["methods"]) == [
        "trained baseline",
        "occreid-lite",
        "untrained baseline",
        "colour histograms",
    ]
    protocols = [{k: v for k, v in m["protocol"].items() if k != "metric"} for m in results["methods"].values()]
    assert protocols[0] == protocols[1] == protocols[2] == protocols[3]
    assert all(m["queries"] == {"valid": 4, "skipped": 0} for m in results["methods"].values())
    assert results["methods"]["colour histograms"]["scores"]["R-1"] == 1.0, "clothes told apart by colour alone"
    assert results["data"]["counts"]["train"] == {"images": 16, "ids": 8, "cameras": 2}
    assert list(results["seconds"]) == ["data", "training", "network", "histograms", "report"]
    assert results["seconds"]["training"] > 0 and min(results["seconds"].values()) >= 0 and results["kept"] == []
    assert [line[:5] for line in said] == [f"[{n}/5]" for n in range(1, 6)]


def test_trained_and_untrained_differ(finished):
    _, _, results = finished
    run = json.loads((finished[0] / "run" / "result.json").read_text())
    assert results["methods"]["trained baseline"]["scores"] == run["benchmarks"][0]["scores"]
    assert results["weights_sha256"] == run["weights_sha256"]
    assert results["recipe"]["training"]["epochs"] == 1


def test_a_second_run_does_no_stage_again(finished, generated):
    out, _, first = finished
    weights = (out / "run" / "model.safetensors").stat().st_mtime_ns
    again = run_demo(Plan(out, "tiny", epochs=1, workers=0), lambda line: None)
    assert generated == []
    assert (out / "run" / "model.safetensors").stat().st_mtime_ns == weights
    assert again["methods"] == first["methods"]
    assert again["kept"] == ["data", "training"], "no time is claimed for what was not done"
    assert list(again["seconds"]) == ["network", "histograms", "report"]


def test_another_length_is_no_continuation(finished):
    with pytest.raises(UserError, match=r"started with other values of: .*training\.epochs"):
        run_demo(Plan(finished[0], "tiny", epochs=3, workers=0), lambda line: None)


def test_a_killed_training_goes_on(tmp_path, finished, generated):
    """What a kill before the first checkpoint leaves: data and the run's recipe."""
    shutil.copytree(finished[0] / "occsynth", tmp_path / "occsynth")
    shutil.copy(finished[0] / "occsynth.json", tmp_path)
    (tmp_path / "run").mkdir()
    shutil.copy(finished[0] / "run" / "recipe.yaml", tmp_path / "run")
    results = run_demo(Plan(tmp_path, "tiny", epochs=1, workers=0), lambda line: None)
    assert results["weights_sha256"] == finished[2]["weights_sha256"], "same seed, same weights"
