import json
import xml.etree.ElementTree as ET

import pytest

from occreid.errors import UserError
from occreid.report.results_page import add_result, read_results, write_results_page


@pytest.fixture
def data(tmp_path):
    """A folder of data; ``add(file, mAP, …)`` writes a result file into it."""
    folder = tmp_path / "data"
    folder.mkdir()

    def add(file, mean_ap, seed=0, protocol=None, counts=None, notes=None, benchmark="occsynth"):
        entry = {
            "benchmark": benchmark,
            "scores": {"mAP": mean_ap, "R-1": 0.5, "mINP": 0.25},
            "protocol": {"metric": "cosine", "same_camera": "junk", "ap": "step", "shots": "multi", "draws": 1,
                         "seed": 0, "rerank": None, "ranks": [1], **(protocol or {})},
            "counts": {"query": {"images": 80}, "gallery": {"images": 285}, **(counts or {})},
            "notes": notes or {},
        }  # fmt: skip
        recipe = {
            "method": {"name": "m", "options": {"backbone": "resnet18", "pretrained": "/home/me/runs/start"}},
            "data": {"root": "/home/me/data/occsynth-demo", "height": 128, "width": 64},
            "training": {"epochs": 3, "seed": seed},
        }
        content = {"versions": {"torch": "2"}, "recipe": recipe, "benchmarks": [entry]}
        (folder / file).write_text(json.dumps(content))
        return folder / file

    return folder, add


def page(folder, tmp_path):
    return write_results_page(folder, tmp_path / "out/README.md", "occreid results").read_text()


def test_methods_stand_in_one_table_best_first_seeds_averaged(data, tmp_path):
    folder, add = data
    add("han.seed-0.json", 0.20), add("ssgr.seed-0.json", 0.30), add("ssgr.seed-1.json", 0.34, seed=1)
    lines = page(folder, tmp_path).splitlines()
    rows = [line for line in lines if line.startswith(("| ssgr", "| han"))]
    assert rows == [
        "| ssgr | 32.0 ± 2.8 | 50.0 ± 0.0 | 25.0 ± 0.0 | 2 | 3 | resnet18 | start | 128×64 |",
        "| han | 20.0 | 50.0 | 25.0 | 1 | 3 | resnet18 | start | 128×64 |",
    ]
    text = "\n".join(lines)
    assert "80 query images, 285 gallery images; same-camera images of the person unseen; all gallery images" in text
    assert "Do not edit it: `occreid results`." in text
    assert "throughput" not in text and "papers" not in text


def test_published_figures_are_apart_and_said_not_to_be_measured(data, tmp_path):
    folder, add = data
    add("han.json", 0.20)
    (folder / "published.yaml").write_text(
        "- {paper: HAN, table: II, benchmark: market1501, columns: [R-1, mAP], rows: {HAN: [95.7, 87.7]}}\n"
        "- {paper: HAN, table: X, benchmark: occsynth, columns: [mAP], rows: {GAN: [1.5], HAN: [2.5]}}"
    )
    text = page(folder, tmp_path)
    ours, papers = text.split("## What the papers report")
    assert "**Not measured here**" in papers
    assert "### market1501" in papers and "| **HAN** | 87.7 | 95.7 |" in papers
    assert "87.7" not in ours
    beside = ours[ours.index("| han |") :]  # what is published of the same benchmark stands under ours, said to be so
    assert "As published, **not measured here** (HAN, Table X):" in beside and "| GAN | 1.5 |" in beside


def test_accuracy_is_drawn_against_throughput(data, tmp_path):
    folder, add = data
    add("han.json", 0.20), add("ssgr.json", 0.30), add("slow.json", 0.10)
    add("two.seed-0.json", 0.20), add("two.seed-1.json", 0.40, seed=1)
    lines = [
        {"name": n, "batch_size": b, "images_per_second": r, "size": [128, 64]}
        for n, b, r in (("han", 32, 90.0), ("han", 1, 9.0), ("ssgr", 32, 50.4))
    ]
    lines.append(
        {"name": "two", "batch_size": 32, "images_per_second": 20.0, "quartiles": [15.0, 22.0], "size": [128, 64]}
    )
    lines.append({"name": "slow", "batch_size": 32, "images_per_second": 7.0, "size": [256, 128]})  # another size
    (folder / "throughput.json").write_text(
        json.dumps({"device": "a CPU", "command": "occreid bench x", "lines": lines})
    )
    text = page(folder, tmp_path)
    assert "| ssgr | 30.0 | 50.0 | 25.0 | 1 | 3 | resnet18 | start | 128×64 | 50 |" in text
    assert "| slow | 10.0 | 50.0 | 25.0 | 1 | 3 | resnet18 | start | 128×64 | – |" in text
    assert "| han | 20.0 | 50.0 | 25.0 | 1 | 3 | resnet18 | start | 128×64 | 90 |" in text
    assert "Images a second on a CPU: `occreid bench x`." in text
    drawn = ET.parse(tmp_path / "out/accuracy-throughput.svg").getroot()
    words = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"han", "ssgr", "two", "images a second"} <= words and "slow" not in words
    assert "of the rate, quartiles over rounds; of mAP, sample standard deviation over seeds" in text
    bars = [g for g in drawn.iter("{http://www.w3.org/2000/svg}g") if g.get("id", "").startswith("LineCollection")]
    assert len(bars) == 4  # one of each rate, one of the only mAP of several seeds


def test_what_was_not_ranked_is_left_out(data, tmp_path):
    folder, add = data
    file = add("parser.json", 0.5)
    file.write_text(file.read_text().replace('"mAP"', '"mIoU"'))
    add("han.json", 0.2)
    assert "parser" not in page(folder, tmp_path)


def test_an_oracle_is_marked(data, tmp_path):
    folder, add = data
    exact = "exact masks of the test images"
    add("orgnn.json", 0.9, notes={"oracle": exact}, protocol={"oracle": exact}), add("han.json", 0.2)
    text = page(folder, tmp_path)
    assert text.count(exact) == 1 and "ORACLE" not in text  # said of its rows, not of the whole table
    assert "| orgnn (*oracle*) | 90.0" in text
    assert "| han | 20.0" in text
    assert "which nobody has in use" in text


def test_a_training_in_stages_shows_the_epochs_of_each(data, tmp_path):
    folder, add = data
    content = json.loads(add("orgnn.json", 0.3).read_text())
    content["recipe"]["training"] |= {"stage_epochs": {"parts": 6, "graph": 4}, "epochs": 2}
    (folder / "orgnn.json").write_text(json.dumps(content))
    assert "| 1 | parts 6, graph 4, others 2 | resnet18 |" in page(folder, tmp_path)


def test_mixed_protocols_and_different_data_are_refused(data, tmp_path):
    folder, add = data
    add("a.json", 0.2), add("b.json", 0.3, protocol={"ap": "trapezoid"})
    with pytest.raises(UserError, match=r"two protocols \(ap: step / trapezoid\)"):
        page(folder, tmp_path)
    add("b.json", 0.3, counts={"gallery": {"images": 9}})
    with pytest.raises(UserError, match="285 and 9 gallery images"):
        page(folder, tmp_path)
    assert not (tmp_path / "out").exists()
    add("b.json", 0.3, protocol={"metric": "visible_parts"})
    assert "distances: cosine, visible_parts" in page(folder, tmp_path)


def test_every_benchmark_has_its_own_table(data, tmp_path):
    folder, add = data
    add("a.json", 0.2), add("b.json", 0.3, benchmark="market1501", protocol={"ap": "trapezoid"})
    text = page(folder, tmp_path)
    assert text.index("## market1501") < text.index("## occsynth")


def test_a_runs_result_is_copied_without_the_machines_paths(data, tmp_path):
    folder, add = data
    (tmp_path / "run").mkdir()
    add("x.json", 0.2, seed=4).rename(tmp_path / "run/result.json")
    file = add_result(tmp_path / "run", folder, "ssgr")
    assert file.name == "ssgr.seed-4.json"
    recipe = json.loads(file.read_text())["recipe"]
    assert recipe["data"]["root"] == "…/occsynth-demo"
    assert recipe["method"]["options"]["pretrained"] == "…/start"
    assert "/home" not in file.read_text()
    assert [result.name for result in read_results(folder)] == ["ssgr"]


def test_what_is_no_result_is_named(data, tmp_path):
    folder, add = data
    with pytest.raises(UserError, match="there is no result in"):
        page(folder, tmp_path)
    with pytest.raises(UserError, match=r"there is no file .*result\.json"):
        add_result(tmp_path, folder, "x")
    add("a.json", 0.2)
    for text, words in (("{", "is not JSON"), ("[]", "no result of a run"), ('{"a": 1}', "no result of a run")):
        (folder / "bad.json").write_text(text)
        with pytest.raises(UserError, match=words):
            page(folder, tmp_path)
    (folder / "bad.json").unlink()
    (folder / "published.yaml").write_text("- {method: HAN}")
    with pytest.raises(UserError, match="no list of published figures"):
        page(folder, tmp_path)
