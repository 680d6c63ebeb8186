import subprocess
import sys

import pytest

from occreid.errors import UserError
from occreid.files import write_json
from occreid.records import Record
from occreid.training import folders
from occreid.training.folders import alone, claim_run, read_run, require_same_pictures, training_pictures
from occreid.training.recipe_files import dump_recipe, load_recipe


def test_a_new_folder_gets_the_resolved_recipe(tiny, tmp_path):
    recipe = tiny("training.epochs=7")
    claim_run(tmp_path / "runs/new", recipe)
    assert load_recipe(tmp_path / "runs/new/recipe.yaml") == recipe


def test_an_empty_folder_is_taken(tiny, tmp_path):
    claim_run(tmp_path, tiny())
    assert (tmp_path / "recipe.yaml").is_file()


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tiny, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"is not empty. Choose another --out\.$"):
        claim_run(tmp_path, tiny())
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_folder_of_a_run_suggests_to_resume_it(tiny, tmp_path):
    claim_run(tmp_path, tiny())
    with pytest.raises(UserError, match="occreid train --resume"):
        claim_run(tmp_path, tiny())


def test_a_place_that_cannot_be_written_is_named(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the run folder .*file/run"):
        claim_run(tmp_path / "file/run", tiny())


def test_other_processes_of_a_run_leave_the_folder_to_the_first(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    (tmp_path / "recipe.yaml").write_text("")
    claim_run(tmp_path, tiny())


def test_two_processes_do_not_train_in_one_folder(tmp_path, monkeypatch):
    code = "import sys, time\nfrom pathlib import Path\nfrom occreid.training.folders import alone\n"
    code += "with alone(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(UserError, match=r"another process is changing .*run"), alone(tmp_path / "run"):
            pass
        monkeypatch.setattr(folders, "process_rank", lambda: 1)
        with alone(tmp_path / "run"):
            pass  # the others of a distributed run
    finally:
        other.kill()
        other.communicate()
    monkeypatch.undo()
    with alone(tmp_path / "run"):
        pass  # a process that ends leaves nothing behind


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path):
    with pytest.raises(UserError, match=r"no run to resume in .*: it has no recipe.yaml"):
        read_run(tmp_path, None, [])


def test_an_unchanged_run_reads_its_own_recipe(tiny, tmp_path):
    recipe = tiny("training.epochs=7", "training.init_from=w.safetensors")
    claim_run(tmp_path, recipe)
    assert read_run(tmp_path, None, []) == recipe
    assert read_run(tmp_path, None, ["training.epochs=7"]) == recipe


@pytest.mark.parametrize("key", ["optimizer.lr=0.5", "training.epochs=9", "training.seed=3", "data.p=3"])
def test_a_key_that_would_change_the_result_is_refused_by_name(tiny, tmp_path, key):
    claim_run(tmp_path, tiny())
    with pytest.raises(UserError, match=f"other values of: {key.partition('=')[0]}"):
        read_run(tmp_path, None, [key])


def test_the_place_of_the_data_and_the_workers_may_change(tiny, tmp_path):
    claim_run(tmp_path, tiny())
    recipe = read_run(tmp_path, None, ["data.root=/elsewhere", "data.workers=3"])
    assert (recipe.data.root, recipe.data.workers) == ("/elsewhere", 3)


def test_the_places_of_masks_and_of_the_second_stream_may_change(tiny, tmp_path):
    stream = "data.parsing={name: market1501, root: old, mask_root: old-masks}"
    claim_run(tmp_path, tiny("data.masks=true", "data.mask_root=old", stream))
    moved = ["data.mask_root=new", "data.parsing.root=new", "data.parsing.mask_root=new"]
    assert read_run(tmp_path, None, moved).data.parsing.root == "new"
    with pytest.raises(UserError, match=r"other values of: data\.parsing\.name"):
        read_run(tmp_path, None, ["data.parsing.name=msmt17"])


def test_a_recipe_given_again_is_compared(tiny, tmp_path):
    claim_run(tmp_path / "run", tiny("training.init_from=w.safetensors"))
    (tmp_path / "same.yaml").write_text(dump_recipe(tiny()))
    (tmp_path / "other.yaml").write_text(dump_recipe(tiny("training.epochs=5", "data.k=3")))
    assert read_run(tmp_path / "run", tmp_path / "same.yaml", []).training.init_from == "w.safetensors"
    with pytest.raises(UserError, match=r"other values of: data.k, training.epochs"):
        read_run(tmp_path / "run", tmp_path / "other.yaml", [])


def test_a_run_is_not_gone_on_with_on_other_persons(tmp_path):
    def pictures(root, ids):
        return training_pictures(
            [Record(tmp_path / root / f"train/{p}_{i}.jpg", p, i) for p in ids for i in (0, 1)], tmp_path / root
        )

    write_json(tmp_path / "run/pictures.json", pictures("a", (1, 2, 3)))
    require_same_pictures(tmp_path / "run", pictures("moved", (3, 2, 1)))
    for ids, said in (((1, 2, 3, 4), r"6 of 3 persons, here are 8 of 4"), ((11, 12, 13), "or others of that number")):
        with pytest.raises(UserError, match=said):
            require_same_pictures(tmp_path / "run", pictures("a", ids))
    require_same_pictures(tmp_path, pictures("a", (1,)))  # a run of a version that did not write it
