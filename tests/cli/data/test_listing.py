import json

from occreid.data import list_benchmarks


def test_list_shows_every_benchmark_and_its_status(run):
    table = run("list").stdout
    assert all(name in table for name in list_benchmarks())
    counts, note = (line for line in table.splitlines() if line.strip().startswith("dukemtmc"))
    assert "16,522 / 702" in counts and "withdrawn by its authors" in note
    assert "…" not in table


def test_list_for_machines(run):
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert set(rows) == set(list_benchmarks())
    assert rows["market1501"]["counts"][""]["query"] == {"images": 3368, "ids": 750}
    assert rows["occluded_duke"]["status"] == "withdrawn" and rows["market1501"]["status"] == ""
    assert rows["msmt17"]["options"]["train"] == "train"
