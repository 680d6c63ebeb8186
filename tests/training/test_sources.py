import numpy as np
import pytest
import torch
from PIL import Image

from occreid.errors import UserError
from occreid.training.sources import build_model, load_sources, make_legs


def test_the_benchmark_and_further_test_sets_are_read(tiny, market):
    test = f"[{{name: market1501, root: '{market}', options: {{strict: false}}}}]"
    sources = load_sources(tiny(f"evaluation.test={test}"))
    assert sources.split.counts()["train"] == {"images": 16, "ids": 4, "cameras": 2}
    assert sources.validation is None
    assert [split.name for split in sources.tests] == ["market1501 (2)"]


def test_a_test_set_that_is_not_there_is_left_out_with_a_sentence_and_a_broken_one_refused(tiny, market, tmp_path):
    there = f"{{name: market1501, root: '{market}', options: {{strict: false}}}}"
    gone = f"{{name: partial_reid, root: '{tmp_path}/gone'}}"
    sources = load_sources(tiny(f"evaluation.test=[{gone}, {there}]"))
    assert [split.name for split in sources.tests] == ["market1501 (2)"]
    assert sources.missing == (f"partial_reid is not tested: there is no {tmp_path}/gone",)
    with pytest.raises(UserError, match="does not hold the folders"):
        load_sources(tiny(f"evaluation.test=[{{name: market1501, root: '{tmp_path}'}}]"))


def test_held_out_identities_are_not_trained_on(tiny):
    sources = load_sources(tiny("data.validation_ids=2"))
    trained = {record.pid for record in sources.split.train}
    held = {record.pid for record in sources.validation.query}
    assert len(trained) == len(held) == 2
    assert not trained & held


@pytest.mark.parametrize(("keep", "message"), [(0, "no training images"), (1, "a single identity")])
def test_a_training_set_of_nobody_or_one_person_is_refused(tiny, monkeypatch, keep, message):
    from dataclasses import replace

    from occreid.training import sources

    load = sources.load_benchmark

    def few(*arguments, **options):
        split = load(*arguments, **options)
        return replace(split, train=tuple(r for r in split.train if r.pid <= keep))

    monkeypatch.setattr(sources, "load_benchmark", few)
    with pytest.raises(UserError, match=message):
        load_sources(tiny())


def test_equal_seeds_build_equal_models_whatever_was_drawn_before(tiny):
    split = load_sources(tiny()).split
    one = build_model(tiny(), split)
    torch.rand(100)
    other = build_model(tiny(), split)
    third = build_model(tiny("training.seed=1"), split)
    assert torch.equal(one.classifier.weight, other.classifier.weight)
    assert not torch.equal(one.classifier.weight, third.classifier.weight)
    assert one.input_size == (32, 16)
    assert one.classifier.out_features == 4


def test_a_resumed_run_fetches_no_pretrained_weights_but_remembers_them(tiny):
    recipe = tiny(method="baseline").model_copy()
    recipe = tiny("method.options={backbone: resnet18, pretrained: missing.safetensors}", method="baseline")
    split = load_sources(recipe).split
    with pytest.raises(UserError, match=r"missing\.safetensors"):
        build_model(recipe, split)
    model = build_model(recipe, split, fresh=False)
    assert model.spec.options["pretrained"] == "missing.safetensors"


def test_a_model_of_the_package_is_a_start_by_name(tiny, tmp_path, monkeypatch):
    from occreid.models import create_model, shipped

    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    packed = create_model("baseline", 9, backbone="resnet18", pretrained="none")
    shipped.pack(packed, "ours", "a test's", {}, tmp_path / "package")
    recipe = tiny("method.options={backbone: resnet18, pretrained: ours}", method="baseline")
    split = load_sources(recipe).split
    model = build_model(recipe, split)
    assert model.spec.options["pretrained"] == "ours"
    own, theirs = model.state_dict(), packed.state_dict()
    same = [key for key in own if own[key].shape == theirs[key].shape]
    assert len(same) >= len(own) - 1  # all but the classifier, which has other persons
    assert all(torch.equal(own[key], theirs[key].half().to(own[key].dtype)) for key in same)
    fresh = build_model(recipe, split, fresh=False).state_dict()
    assert not all(torch.equal(fresh[key], own[key]) for key in same)


@pytest.mark.parametrize(
    ("method", "last"),
    [("hpnet", "conv5.0."), ("hpnet", "conv5.3."), ("veil", "last."), ("orgnn", "fen.trunk.stripes.")],
)
def test_another_methods_whole_trunk_starts_from_a_named_model(tiny, tmp_path, monkeypatch, method, last):
    from occreid.models import create_model, shipped

    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    packed = create_model("baseline", 9, backbone="resnet18", pretrained="none")
    shipped.pack(packed, "ours", "a test's", {}, tmp_path / "package")
    recipe = tiny("method.options={backbone: resnet18, pretrained: ours}", method=method)
    model = build_model(recipe, load_sources(recipe).split)
    assert model.spec.options["pretrained"] == "ours"
    given = [
        tensor.half().float() for name, tensor in packed.state_dict().items() if "layer4" in name and tensor.dim() == 4
    ]
    own = [tensor for name, tensor in model.state_dict().items() if name.startswith(last) and tensor.dim() == 4]
    assert len(given) == 5
    assert all(any(torch.equal(tensor, mine) for mine in own) for tensor in given)


def test_the_image_size_reaches_methods_that_need_it(tiny):
    options = "{backbone: vit_tiny_patch16_224, pretrained: none%s}"
    recipe = tiny(f"method.options={options % ''}", method="baseline_vit")
    split = load_sources(recipe).split
    assert build_model(recipe, split).input_size == (32, 16)
    wrong = tiny(f"method.options={options % ', height: 64'}", method="baseline_vit")
    with pytest.raises(UserError, match=r"method.options.height is 64, data.height is 32"):
        build_model(wrong, split)


def test_every_stage_gets_its_epochs(tiny):
    recipe = tiny("training.epochs=5", "training.stage_epochs={second: 3}", method="reid_toys:TwoLegs")
    legs = make_legs(recipe, build_model(recipe, load_sources(recipe).split))
    assert [(leg.stage.name, leg.index, leg.epochs) for leg in legs] == [("first", 0, 5), ("second", 1, 3)]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.stage_epochs={secnd: 3}", r"no stage 'secnd'.*Did you mean 'second'\?"),
        ("training.stage_epochs={second: 1}", r"warmup \(1\) is not shorter than stage 'second' \(1 epochs\)"),
    ],
)
def test_stage_epochs_that_do_not_fit_are_refused(tiny, override, message):
    recipe = tiny(override, "schedule.warmup=1", method="reid_toys:TwoLegs")
    with pytest.raises(UserError, match=message):
        make_legs(recipe, build_model(recipe, load_sources(recipe).split))


def test_an_option_that_is_only_called_width_is_left_alone(tiny):
    recipe = tiny()
    assert build_model(recipe, load_sources(recipe).split).classifier.in_features == 8


STREAMS = {"method": "reid_toys:Streams"}


def second(market, mask_root, **more):
    import json

    section = {"name": "market1501", "root": str(market), "options": {"strict": False}, "batch": 3, **more}
    return "data.parsing=" + json.dumps(section | {"mask_root": str(mask_root)})


def test_masks_of_a_folder_of_their_own_are_attached(tiny, market, mask_root):
    sources = load_sources(tiny("data.masks=true", f"data.mask_root={mask_root}"))
    for record in sources.split.train:
        assert record.mask == mask_root / record.path.relative_to(market)
    assert all(record.mask is None for record in sources.split.query)


def test_missing_masks_are_counted_and_the_command_that_makes_them_is_given(tiny, market, tmp_path):
    with pytest.raises(UserError, match=rf"16 of 16 training images of market1501 .* occreid parse {market}"):
        load_sources(tiny("data.masks=true"))
    with pytest.raises(UserError, match=r"16 of 16 images have no mask in .*0001_c1s1_000000_00.png"):
        load_sources(tiny("data.masks=true", f"data.mask_root={tmp_path}"))


def test_the_second_stream_is_read_with_its_masks(tiny, market, mask_root):
    sources = load_sources(tiny(second(market, mask_root), **STREAMS))
    assert len(sources.parsing) == 16 and all(record.mask is not None for record in sources.parsing)
    assert load_sources(tiny()).parsing == ()


def test_a_second_stream_without_masks_or_without_use_is_refused(tiny, market, mask_root, tmp_path):
    with pytest.raises(UserError, match="16 of 16 images have no mask in"):
        load_sources(tiny(second(market, tmp_path), **STREAMS))
    recipe = tiny(second(market, mask_root))
    with pytest.raises(UserError, match=r"reid_toys:Toy has no use for a second stream"):
        build_model(recipe, load_sources(recipe).split)


@pytest.fixture
def silhouettes(mask_root, tmp_path):
    """Masks of whole persons, as `occreid masks` writes them."""
    for mask in mask_root.rglob("*.png"):
        target = tmp_path / mask.relative_to(mask_root)
        target.parent.mkdir(exist_ok=True)
        Image.fromarray((np.asarray(Image.open(mask)) > 0).astype(np.uint8)).save(target)
    return tmp_path


def test_masks_without_parts_are_refused_where_parts_are_learned(tiny, silhouettes, monkeypatch):
    masks = ("data.masks=true", f"data.mask_root={silhouettes}")
    recipe = tiny(*masks)
    split = load_sources(recipe).split
    build_model(recipe, split)
    monkeypatch.setattr("reid_toys.Toy.learns_parts", True)
    with pytest.raises(UserError, match=r"masks of market1501 tell no parts"):
        build_model(recipe, split)
    build_model(tiny(), split)  # masks are not read


def test_a_second_stream_without_parts_is_refused(tiny, market, silhouettes):
    with pytest.raises(UserError, match=r"masks of market1501 tell no parts"):
        load_sources(tiny(second(market, silhouettes), **STREAMS))


def test_single_images_of_a_person_are_for_parsing_only(tiny):
    recipe = tiny("data.k=1")
    with pytest.raises(UserError, match=r"data.k is 1"):
        build_model(recipe, load_sources(recipe).split)
    recipe = tiny("data.k=1", method="reid_toys:Segments")
    build_model(recipe, load_sources(recipe).split)


def test_sets_of_one_benchmark_keep_names_of_their_own(tiny, market):
    test = f"{{name: market1501, root: '{market}', options: {{strict: false}}}}"
    sources = load_sources(tiny(f"evaluation.test=[{test}, {test}]"))
    names = [sources.split.name, *(split.name for split in sources.tests)]
    assert names == ["market1501", "market1501 (2)", "market1501 (3)"]
