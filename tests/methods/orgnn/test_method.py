import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods.orgnn.neighbourhood import NOBODY
from occreid.methods.orgnn.reconstruction import reconstruct
from occreid.models import create_model
from occreid.records import Batch

H, W, CLASSES = 64, 32, 4
SMALL = {"backbone": "resnet18", "oan_backbone": "resnet10t", "pretrained": "none", "dim": 16, "last_stride": 2}


def model_of(**options):
    torch.manual_seed(0)
    return create_model("orgnn", CLASSES, **{**SMALL, **options})


@pytest.fixture(scope="module")
def model():
    return model_of().eval()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    masks = torch.zeros(8, H, W, dtype=torch.uint8)
    masks[:, 4:60, 8:24] = 2
    return Batch(
        images=torch.randint(0, 256, (8, 3, H, W), generator=generator, dtype=torch.uint8),
        labels=torch.arange(8) // 2,
        camids=torch.arange(8) % 2,
        indices=torch.arange(8),
        masks=masks,
    )


def found(n=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Descriptors(torch.rand(n, 6, 16, generator=generator), torch.rand(n, 6, generator=generator) < 0.8)


def test_three_legs_in_the_papers_order_each_with_its_own_modules(model):
    stages = model.stages()
    assert [stage.name for stage in stages] == ["fen", "oan", "gnn"]
    assert [stage.prepare is not None for stage in stages] == [False, False, True]
    owned = [{id(p) for module in stage.modules for p in module.parameters()} for stage in stages]
    assert set.union(*owned) == {id(p) for p in model.parameters()} and sum(map(len, owned)) == len(set.union(*owned))


def test_single_legs_can_be_trained_alone():
    assert [stage.name for stage in model_of(train=["gnn", "fen"]).stages()] == ["fen", "gnn"]
    with pytest.raises(UserError, match="no leg to train"):
        model_of(train=[])
    with pytest.raises(UserError, match="option 'train' cannot be"):
        model_of(train=["gan"])


def test_each_leg_has_its_named_losses(model, batch):
    names = [sorted(stage.losses(batch)) for stage in model.stages()]
    assert names == [["id", "triplet"], ["occlusion"], ["reconstruction"]]
    assert sorted(model.losses(batch)) == ["id", "occlusion", "reconstruction", "triplet"]


def test_missing_training_masks_are_said_at_the_first_step(model, batch):
    batch.masks = None
    for stage in model.stages()[:2]:
        with pytest.raises(UserError, match="the training images have none") as error:
            stage.losses(batch)
        assert "data.masks: true" in error.value.hint
    assert model_of(train=["fen"]).losses.__self__.fen_losses(batch)


def test_masks_are_asked_for_where_oan_decides(model, batch):
    with pytest.raises(UserError, match=r"orgnn in mode oan\+orgnn needs a mask of every image") as error:
        model.describe(batch.images)
    assert "occreid parse" in error.value.hint and "test_masks=FOLDER" in error.value.hint
    for mode in ("base", "gnn"):
        described = model_of(mode=mode).eval().describe(batch.images)
        assert described.visibility.all() and described.features.shape == (8, 6, 16)


def test_a_mode_without_oan_hands_on_what_oan_sees_and_trains_without(batch):
    model = model_of(mode="gnn", train_k=5, train_theta=0.5).eval()
    with torch.no_grad():
        model.oan.states.bias[2] = -10.0
    described = model.describe(batch.images, batch.masks)
    assert not described.visibility[:, 2].any()  # the ladder compares modes on the same descriptors
    model.prepare_graphs(described)
    seen = model.training_graphs.neighbours
    described.visibility[:] = True
    model.prepare_graphs(described)
    assert torch.equal(model.training_graphs.neighbours, seen)


def test_masks_of_another_size_are_refused(model, batch):
    for masks in (batch.masks[:, :32], batch.masks[:4]):
        with pytest.raises(UserError, match=r"masks of shape .* do not fit images of shape"):
            model.describe(batch.images, masks)


def test_visibility_is_what_oan_says_of_the_mask(model, batch):
    described = model.describe(batch.images, batch.masks)
    assert torch.equal(described.visibility, model.oan.visible(batch.masks))
    with torch.no_grad():
        model.oan.states.bias[2] = -10.0  # this network never sees the third stripe
        assert model.describe(batch.images, batch.masks).visibility.all(0).tolist() == [True, True, False] + [True] * 3
        model.oan.states.bias[2] = 2.0


def test_augment_hides_parts_of_masks_and_what_is_normal_comes_from_masks_as_they_are(batch):
    model = model_of(occlude=1.0).train()
    changed = model.augment(batch, torch.Generator().manual_seed(0))
    assert model.oan.seen == 0, "a training batch is shifted and erased"
    assert torch.equal(changed.images, batch.images)
    assert ((changed.masks != batch.masks).flatten(1).any(1)).float().mean() > 0.5
    (stage,) = [stage for stage in model.stages() if stage.name == "oan"]
    stage.observe(batch.masks)
    assert model.oan.seen == 8 and model.oan.coverage[4] == model.oan.coverage[5] > 0
    batch.masks = None
    assert model.augment(batch, torch.Generator()) is batch


def test_a_result_says_how_large_neighbourhoods_are_and_how_right_oan_is():
    model = model_of(mode="oan+orgnn", k=2, theta=0.9)
    model.oan.body.copy_(torch.eye(4))
    features = torch.eye(6, 16).expand(4, 6, 16).clone()
    features[3] = features[3].roll(1, 1)  # resembles nobody
    four = Descriptors(features, torch.ones(4, 6, dtype=torch.bool))
    model.refine(four, four)
    assert model.refined == {"k": 2, "theta": 0.9, "mean_neighbours": 6 / 4, "empty_share": 1 / 4}
    truth = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    assert model.judge(four, truth) == {"oan_accuracy": 13 / 16}
    assert model_of(mode="base").judge(four, truth) == {}


def test_prepared_graphs_come_from_the_whole_training_set(batch):
    model = model_of(train_k=12, train_theta=-1.0)
    in_batch = model.gnn_losses(batch)["reconstruction"]
    training_set = found(20)
    model.prepare_graphs(training_set)
    assert model.training_graphs.neighbours.shape[0] == 20 and model.training_graphs.neighbours.shape[1] <= 12
    model.training_graphs.neighbours[batch.indices[0]] = -1
    loss = model.gnn_losses(batch)["reconstruction"]
    nodes, mask = model.training_graphs.of(batch.indices)
    near = mask[:, 1:].any(1)
    assert near.sum() > 1 and not near.all(), "who has no neighbours is never reconstructed"
    rebuilt, labels = model.gnn(nodes, mask)[near], batch.labels[near]
    expected = [
        torch.nn.functional.cross_entropy(rebuilt[:, part] @ model.gnn_classifiers.weight[part].T, labels)
        for part in range(6)
    ]  # Eq. 7
    torch.testing.assert_close(loss, torch.stack(expected).mean())
    assert not torch.allclose(loss, in_batch)


def test_training_graphs_do_not_enter_the_weights_file():
    model = model_of()
    before = set(model.state_dict())
    model.prepare_graphs(found())
    assert set(model.state_dict()) == before


def test_refine_is_the_reconstruction_the_options_describe():
    model = model_of(k=3, theta=0.6, mode="oan+gnn", search_parts=[0, 1]).eval()
    how = model.reconstruction
    assert (how.k, how.theta, how.mode, how.search_parts) == (3, 0.6, "oan+gnn", (0, 1))
    query, gallery = found(4, 1), found(12, 2)
    assert torch.equal(model.refine(query, gallery).features, reconstruct(query, gallery, model.gnn, how).features)
    assert model_of(mode="oan").metric == "visible_parts" and model.metric == "cosine"


def test_neighbours_come_with_their_confidence(model):
    query, gallery = found(300, 1), found(12, 2)  # more than a block
    indices, trust = model.neighbours(query, gallery)
    assert indices.shape == trust.shape and len(indices) == 300
    assert (trust[indices == NOBODY] == 0).all() and (trust[indices != NOBODY] > 0).any() and trust.max() <= 1 + 1e-6


def test_explanations_show_parts_and_what_oan_takes_as_seen(model, batch):
    with torch.no_grad():
        maps = model.explain(batch.images, batch.masks)
        assert list(model.explain(batch.images)) == ["parts"]
    assert maps["visible"].shape == (8, 4, 2) and (maps["visible"] > 0.5).all()
    assert maps["parts"].amax((1, 2)).tolist() == pytest.approx([1.0] * 8)


def test_freezing_finds_the_trunk(model):
    assert model.backbone is model.fen.trunk


@pytest.mark.parametrize(
    "options, message",
    [
        ({"layers": 0}, "orgnn with 0 layers"),
        ({"mode": "oan+gan"}, "option 'mode' cannot be"),
        ({"backbone": "vit_tiny_patch16_224"}, "has no stem and four stages"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        model_of(**options)
