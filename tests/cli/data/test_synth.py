import pytest
from PIL import Image

from occreid.errors import UserError


def test_synth_calls_the_generator_and_reads_what_it_wrote(run, tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from occreid import synth
    from occreid.records import PART_NAMES

    asked = []

    def generate(out, *, size, seed, workers, edition):
        asked.append((size, seed, workers, edition))
        rows = []
        for split, folder in (("train", "bounding_box_train"), ("query", "query"), ("gallery", "bounding_box_test")):
            file = f"{folder}/0001_c1s1_1_0.png"
            (out / folder).mkdir(parents=True)
            Image.new("RGB", (4, 8)).save(out / file)
            row = dict.fromkeys(("occluded", "occluder_kind", "occluder_id", "mask", "time"))
            visible = {f"visible_{part}": 1.0 for part in PART_NAMES}
            rows.append({"file": file, "split": split, "pid": 1, "camid": 0, **row, **visible})
        pq.write_table(pa.Table.from_pylist(rows), out / "occsynth.parquet")
        return out

    monkeypatch.setattr(synth, "generate", generate)
    out = tmp_path / "out"
    result = run("synth", "--size", "tiny", "--out", out, "--seed", 3, "--workers", 2, "--sheet", tmp_path / "s.png")
    assert f"written to {out}" in result.stdout
    assert (tmp_path / "s.png").is_file()
    words = ("--ids", 30, "--images-per-id", 4, "--cameras", 9, "--edition", "occsynth-2")
    run("synth", *words, "--out", tmp_path / "own")
    assert asked == [("tiny", 3, 2, "occsynth-1"), (synth.own_size(30, 4, 9), 0, 1, "occsynth-2")]
    for wrong in ((), ("--size", "tiny", "--ids", 3)):
        with pytest.raises(UserError, match="give either --size or --ids"):
            run("synth", *wrong, "--out", tmp_path / "no")
