import json

import pyarrow.parquet as pq


def test_export_writes_a_file_for_each_part(run, tiny_market, tmp_path):
    result = run("export", tiny_market, "--option", "strict=false", "--out", tmp_path / "parquet", "--json")
    written = json.loads(result.stdout)
    assert written and sum(written.values()) > 1
    for part, count in written.items():
        assert pq.read_metadata(tmp_path / "parquet" / f"{part}.parquet").num_rows == count
