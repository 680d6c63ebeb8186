import json


def test_verify_finds_the_counts_wrong_unless_told_otherwise(run, tiny_market):
    result = run("verify", tiny_market, code=1)
    assert "recognised as market1501" in result.stderr
    assert "train has 1 images of 1 ids, expected 12936 of 751" in result.stdout
    assert result.stdout.strip().endswith("problems were found")
    result = run("verify", tiny_market, "--name", "market1501", "--option", "strict=false")
    assert result.stdout.strip().endswith("sound") and "distractors in the gallery: 1" in result.stdout


def test_verify_lists_a_broken_file_by_path(run, tiny_market):
    broken = tiny_market / "query/0001_c1s1_001051_00.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    assert str(broken) in run("verify", tiny_market, "--option", "strict=false", code=1).stdout


def test_verify_for_machines(run, tiny_market):
    broken = tiny_market / "query/0001_c1s1_001051_00.jpg"
    broken.write_bytes(b"")
    report = json.loads(run("verify", tiny_market, "--json", code=1).stdout)
    assert report["name"] == "market1501" and report["sound"] is False
    assert list(report["unreadable"]) == [str(broken)] and report["counts"]["gallery"]["images"] == 2
    assert len(report["differences"]) == 1 and report["distractors"] == 1


def test_a_long_list_is_cut_for_people_but_not_for_machines(run, tiny_market):
    for i in range(30):
        (tiny_market / f"query/file{i}.txt").touch()
    lenient = ("verify", tiny_market, "--option", "strict=false")
    text = run(*lenient).stdout
    assert "files that are no images (ignored): 30" in text and "and 10 more" in text
    assert len(json.loads(run(*lenient, "--json").stdout)["strays"]) == 30
