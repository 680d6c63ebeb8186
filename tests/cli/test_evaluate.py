import json

import pytest

from occreid.errors import UserError
from occreid.retrieval import load_ranking


def scores_of(text):
    return json.loads(text)[0]["scores"]


def test_a_run_is_scored_on_what_it_was_trained_on(occreid_cli, make_run):
    text = occreid_cli("evaluate", make_run())
    head, row, protocol = text.splitlines()
    assert head.split()[:4] == ["mAP", "R-1", "R-3", "R-5"] and row.startswith("market1501")
    assert "6 of 6" in row and row.endswith("18")
    assert protocol == "cosine distance; same-camera images of the person unseen; all gallery images; step AP"


def test_json_states_protocol_weights_and_data(occreid_cli, make_run):
    (result,) = json.loads(occreid_cli("evaluate", make_run(), "--json"))
    assert result["protocol"]["ap"] == "step" and result["protocol"]["same_camera"] == "junk"
    assert len(result["facts"]["weights_sha256"]) == 64 and result["facts"]["benchmark"] == "market1501"
    assert result["facts"]["data"]["counts"]["gallery"]["images"] == 18 and "torch" in result["facts"]["versions"]
    assert 0 < result["scores"]["mAP"] <= 1


def test_the_protocol_follows_the_options(occreid_cli, make_run):
    run = make_run()
    text = occreid_cli(
        *("evaluate", run, "--json", "--same-camera", "keep", "--ap", "trapezoid", "--shots", "single"),
        *("--draws", "3", "--seed", "5", "--ranks", "1,2"),
    )
    (result,) = json.loads(text)
    expected = {"same_camera": "keep", "ap": "trapezoid", "shots": "single", "draws": 3, "seed": 5}
    assert expected.items() <= result["protocol"].items()
    assert list(result["scores"]) == ["mAP", "R-1", "R-2", "mINP"] and "std" in result
    assert "±" in occreid_cli("evaluate", run, "--shots", "single")


@pytest.mark.parametrize("method", ["k-reciprocal", "aqe", "alpha-qe"])
def test_re_ranking_is_named_in_the_protocol(occreid_cli, make_run, method):
    run = make_run()
    (result,) = json.loads(
        occreid_cli("evaluate", run, "--json", "--rerank", method, "--k1", "3", "--neighbours", "12")
    )
    assert result["protocol"]["rerank"]["method"] == method
    assert result["scores"] != scores_of(occreid_cli("evaluate", run, "--json"))


def test_several_benchmarks_make_one_table(occreid_cli, make_run, market, tmp_path):
    on = f"market1501={market}"
    out = tmp_path / "results"
    text = occreid_cli("evaluate", make_run(), "--on", on, "--on", on, "--option", "strict=false", "--out", out)
    assert text.count("market1501 ") == 2 and text.count("mAP") == 1
    assert load_ranking(out / "market1501.json").num_valid_queries == 6


def test_stressed_pictures_are_scored_beside_the_clean_ones(occreid_cli, make_run, tmp_path):
    run, out = make_run(), tmp_path / "stress"
    words = ("evaluate", run, "--stress", "flat:0.9:middle", "--stress", "dark:0")
    clean, hidden, same = json.loads(occreid_cli(*words, "--stress-on", "both", "--json"))
    assert "stress" not in clean["facts"] and same["scores"] == clean["scores"]
    assert hidden["facts"]["stress"] == {"what": "flat:0.9:middle", "on": "both", "seed": 0}
    assert hidden["scores"] != clean["scores"]
    text = occreid_cli(*words, "--out", out)
    assert "market1501, query flat:0.9:middle" in text
    assert sorted(f.name for f in out.iterdir()) == [
        "market1501-query-dark-0.json",
        "market1501-query-flat-0.9-middle.json",
        "market1501.json",
    ]


def test_stress_needs_pictures_and_a_side_that_exists(occreid_cli, make_run, tmp_path):
    run = make_run()
    with pytest.raises(UserError, match="stress cannot be on 'all'"):
        occreid_cli("evaluate", run, "--stress", "flat:0.5", "--stress-on", "all")
    occreid_cli("extract", run, "--out", tmp_path / "d")
    with pytest.raises(UserError, match="no pictures to stress"):
        occreid_cli("evaluate", tmp_path / "d", "--stress", "flat:0.5")


def test_extras_are_printed(occreid_cli, make_run):
    text = occreid_cli("evaluate", make_run(), "--intervals", "--subsets", "--verification")
    for words in ("95 % intervals", "by cameras", "0 → 1", "12 genuine and 90 impostor pairs", "equal error rate"):
        assert words in text


def test_extras_are_in_the_json(occreid_cli, make_run):
    (result,) = json.loads(occreid_cli("evaluate", make_run(), "--intervals", "--subsets", "--verification", "--json"))
    low, high = result["intervals"]["mAP"]
    assert low <= result["scores"]["mAP"] <= high
    assert result["subsets"]["cameras"]["0 → 1"]["queries"] == 6
    assert set(result["verification"]["tar_at_far"]) == {"0.0001", "0.001", "0.01"}


def test_two_saved_results_are_compared(occreid_cli, make_run, tmp_path):
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, gain in zip(files, (1.0, 2.0), strict=True):
        assert f"saved {file}" in occreid_cli("evaluate", make_run(gain=gain), "--out", file)
    text = occreid_cli("evaluate", "--compare", *files)
    assert text.splitlines()[0].split()[:3] == ["a", "b", "difference"] and "over 6 persons" in text
    found = json.loads(occreid_cli("evaluate", "--compare", *files, "--json"))
    assert found["mAP"]["p_value"] == 1.0  # a gain changes no cosine


def test_results_of_different_protocols_are_not_compared(occreid_cli, make_run, tmp_path):
    run = make_run()
    occreid_cli("evaluate", run, "--out", tmp_path / "a.json")
    occreid_cli("evaluate", run, "--ap", "trapezoid", "--out", tmp_path / "b.json")
    with pytest.raises(UserError, match="ap: step / trapezoid"):
        occreid_cli("evaluate", "--compare", tmp_path / "a.json", tmp_path / "b.json")


def test_saved_descriptors_score_like_their_model(occreid_cli, make_run, tmp_path):
    for cls in ("Colour", "Refining"):
        run, out = make_run(cls, cls), tmp_path / f"{cls}-descriptors"
        occreid_cli("extract", run, "--out", out)
        saved, fresh = (json.loads(occreid_cli("evaluate", s, "--json"))[0] for s in (out, run))
        assert saved["scores"] == fresh["scores"]
        assert saved["facts"]["weights_sha256"] == fresh["facts"]["weights_sha256"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to evaluate"),
        (["nowhere"], "no model 'nowhere'"),
        (["RUN", "--rerank", "k-recipocal"], "Did you mean 'k-reciprocal'"),
        (["RUN", "--ranks", "1,x"], "not a list of numbers"),
        (["RUN", "--on", "market1501"], "not NAME=ROOT"),
        (["RUN", "--on", "market15=x"], "no benchmark 'market15'"),
        (["RUN", "--option", "strict"], "not KEY=VALUE"),
        (["RUN", "--ap", "trapez"], "no AP form"),
        (["RUN", "--precision", "float8"], "no precision"),
        (["RUN", "--device", "abacus"], "no device"),
    ],
)
def test_mistakes_are_named(occreid_cli, make_run, words, message):
    run = make_run()
    with pytest.raises(UserError, match=message):
        occreid_cli("evaluate", *[run if word == "RUN" else word for word in words])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ap", "trapez"], "no AP form"),
        (["--shots", "few"], "no shots 'few'"),
        (["--same-camera", "drop"], "no camera rule"),
        (["--rerank", "aqee"], "Did you mean 'aqe'"),
        (["--ranks", "0,1"], "below 1"),
        (["--precision", "float8"], "no precision"),
        (["--device", "abacus"], "no device"),
        (["--stress", "flat:2"], "out of range"),
        (["--stress-on", "all"], "cannot be on 'all'"),
    ],
)
def test_options_are_checked_before_the_benchmark_is_read(occreid_cli, make_run, words, message):
    with pytest.raises(UserError, match=message):
        occreid_cli("evaluate", make_run(), "--on", "market1501=nowhere", *words)


def test_options_of_the_loader_may_hold_commas(occreid_cli, make_run, market):
    words = ("evaluate", make_run(), "--on", f"folder={market}", "--json")
    (plain,), (fewer,) = (json.loads(occreid_cli(*words, *more)) for more in ((), ("--option", "distractors=5,6")))
    counts = [one["facts"]["data"]["counts"]["gallery"]["ids"] for one in (plain, fewer)]
    assert counts == [6, 4]


def test_a_model_that_does_not_say_its_data_asks_for_it(occreid_cli, make_run):
    with pytest.raises(UserError, match="--on NAME=ROOT"):
        occreid_cli("evaluate", make_run(recipe=False))
