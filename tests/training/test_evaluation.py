import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from occreid.data import load_benchmark
from occreid.data.masks.evaluation import has_test_masks, oracle_of, with_test_masks
from occreid.errors import UserError
from occreid.records import Record, Split
from occreid.training.evaluation import evaluate_split, hold_out, is_testable, result_entry, write_result
from occreid.training.sources import build_model, load_sources


@pytest.fixture
def many():
    """20 persons, 3 images from each of 2 cameras."""
    records = [
        Record(Path(f"{pid:02}_{cam}_{n}.png"), pid, cam) for pid in range(20) for cam in (0, 1) for n in range(3)
    ]
    return Split("folder", tuple(records), (), (), same_camera="keep")


def test_held_out_people_leave_the_training_set_and_none_of_their_images_is_lost(many):
    rest, validation = hold_out(many, 5, seed=0)
    assert len({r.pid for r in rest.train}) == 15
    assert set(rest.train) | set(validation.query) | set(validation.gallery) == set(many.train)
    assert len(rest.train) + len(validation.query) + len(validation.gallery) == len(many.train)
    assert validation.name == "folder-validation"
    assert validation.same_camera == "keep"


def test_the_first_image_of_each_camera_is_the_query(many):
    _, validation = hold_out(many, 5, seed=0)
    assert len(validation.query) == 10
    assert all(record.path.name.endswith("_0.png") for record in validation.query)


def test_the_seed_chooses_who_is_held_out(many):
    chosen = [{r.pid for r in hold_out(many, 5, seed=seed)[1].query} for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_holding_out_nearly_everybody_is_refused(many):
    assert len({r.pid for r in hold_out(many, 18, seed=0)[0].train}) == 2
    with pytest.raises(UserError, match="Hold out 18 or fewer"):
        hold_out(many, 19, seed=0)


def ranked(recipe):
    split = load_sources(recipe).split
    return split, evaluate_split(build_model(recipe, split), split, recipe, torch.device("cpu"))


def test_the_recipes_protocol_is_the_one_that_is_used(tiny):
    split, ranking = ranked(tiny("evaluation.ap=trapezoid", "evaluation.ranks=[1, 2]", "evaluation.same_camera=keep"))
    assert (ranking.protocol.ap, ranking.protocol.same_camera, ranking.ranks) == ("trapezoid", "keep", (1, 2))
    assert ranking.num_valid_queries == len(split.query) == 2


def test_without_a_camera_rule_the_benchmarks_own_counts(tiny):
    assert ranked(tiny())[1].protocol.same_camera == "junk"


def test_a_network_that_sees_colours_finds_the_coloured_people(tiny):
    assert ranked(tiny())[1].mean_ap == 1.0


def test_query_and_gallery_are_both_refined_with_the_unrefined_gallery(tiny, monkeypatch):
    from reid_toys import Toy

    calls = []

    def refine(self, descriptors, gallery):
        calls.append((len(descriptors), gallery))
        return descriptors

    monkeypatch.setattr(Toy, "refine", refine)
    ranked(tiny())
    assert [number for number, _ in calls] == [2, 4]
    assert calls[0][1] is calls[1][1]


def test_a_result_says_numbers_protocol_and_counts(tiny, tmp_path):
    split, ranking = ranked(tiny())
    write_result(tmp_path, [result_entry(split, ranking)], {"method": "toy"})
    saved = json.loads((tmp_path / "result.json").read_text())
    assert saved["method"] == "toy"
    (entry,) = saved["benchmarks"]
    assert entry["benchmark"] == "market1501"
    assert entry["scores"] == {"mAP": 1.0, "R-1": 1.0, "R-2": 1.0, "mINP": 1.0}
    assert entry["protocol"]["metric"] == "cosine"
    assert entry["protocol"]["ap"] == "step"
    assert entry["queries"] == {"valid": 2, "skipped": 0}
    assert entry["counts"]["gallery"]["images"] == 4


def test_a_parsing_network_is_measured_by_the_overlap_of_its_masks(tiny, market, mask_root):
    from occreid.data.masks.folders import attach_masks

    recipe = tiny("data.masks=true", f"data.mask_root={mask_root}", method="reid_toys:Segments")
    split = load_sources(recipe).split
    model = build_model(recipe, split)
    assert not is_testable(model, split)  # its test images have no masks
    masked = replace(split, query=attach_masks(split.query, market, mask_root))
    assert is_testable(model, masked)
    scores = evaluate_split(model, masked, recipe, torch.device("cpu"))
    entry = result_entry(masked, scores)
    assert next(iter(entry["scores"])) == "mIoU" and 0 <= entry["scores"]["mIoU"] <= 1
    assert entry["protocol"]["images"] == 2


def test_what_nobody_could_know_is_marked_in_result_console_and_table(tiny, market, mask_root, tmp_path, capsys):
    """Exact masks of the test images: the mark must reach every place that names the scores."""
    from occreid.training import train

    class Exact:
        """Reads the benchmark as if its masks were exact."""

        def __call__(self, name, root, **options):
            from occreid.data.masks.folders import attach_masks

            split = load_benchmark(name, root, **options)
            sides = {part: attach_masks(getattr(split, part), root, mask_root) for part in ("query", "gallery")}
            return with_test_masks(replace(split, **sides), root, "exact")

    patch = pytest.MonkeyPatch()
    patch.setattr("occreid.training.sources.load_benchmark", Exact())
    extra = f"evaluation.test=[{{name: market1501, root: '{market}', options: {{strict: false}}}}]"
    run = train(tiny("training.epochs=1", extra), tmp_path / "run", progress=False)
    patch.undo()
    entries = json.loads((run / "result.json").read_text())["benchmarks"]
    assert [entry["protocol"]["oracle"] for entry in entries] == ["exact masks of the test images"] * 2
    lines = [line for line in capsys.readouterr().out.splitlines() if "mAP" in line]
    assert len(lines) == 3 and all(line.endswith("(ORACLE: exact masks of the test images)") for line in lines)


def test_an_honest_run_carries_no_mark(tiny):
    _, ranking = ranked(tiny())
    assert ranking.protocol.oracle == "" and "ORACLE" not in ranking.protocol.sentence()


def test_held_out_persons_are_seen_with_masks_where_training_is(tiny, mask_root):
    masked = load_sources(tiny("data.validation_ids=2", "data.masks=true", f"data.mask_root={mask_root}")).validation
    plain = load_sources(tiny("data.validation_ids=2")).validation
    assert has_test_masks(masked) and not has_test_masks(plain)
    assert oracle_of(masked) == ""
