import json

import pytest
import torch

from occreid.errors import UserError
from occreid.methods import Stage
from occreid.training.devices import resolve_devices
from occreid.training.fit import fit
from occreid.training.module import Leg, TrainingModule, make_optimizer, stage_trains
from occreid.training.recipe import OptimizerSection
from occreid.training.schedules import lr_factor
from occreid.training.sources import build_model, load_sources, make_legs


@pytest.fixture
def prepared(tiny, tmp_path):
    """Overrides → (training module of the first leg, a function that trains it)."""

    def build(*overrides, method="reid_toys:Toy"):
        recipe = tiny(*overrides, method=method)
        split = load_sources(recipe).split
        model = build_model(recipe, split)
        leg = make_legs(recipe, model)[0]
        module = TrainingModule(model, leg, recipe, split.train, tmp_path)
        return module, lambda *callbacks: fit(module, recipe.training, resolve_devices(recipe.training), callbacks)

    return build


def spy(module, monkeypatch, look):
    """Call ``look()`` in every training step; returns what it gave, step by step."""
    seen = []
    losses = module.leg.stage.losses

    def watched(batch):
        seen.append(look(batch))
        return losses(batch)

    stage = Stage("main", watched, module.leg.stage.modules)
    module.leg = Leg(stage, 0, module.leg.epochs, module.leg.first_epoch)
    return seen


def test_the_learning_rate_of_every_step_is_the_schedules(prepared, monkeypatch):
    module, train = prepared("training.epochs=3", "training.accumulate=2", "schedule.warmup=1", "optimizer.lr=0.5")
    seen = spy(module, monkeypatch, lambda batch: module.trainer.optimizers[0].param_groups[0]["lr"])
    train()
    section = module.recipe.schedule  # 4 batches an epoch, 2 to an optimiser step
    assert seen == [0.5 * lr_factor(section, step // 2, 2, 3) for step in range(12)]


def test_a_group_keeps_its_own_rate_under_the_schedule(prepared, monkeypatch):
    module, train = prepared("schedule.warmup=1", "optimizer.lr=0.5")
    model = module.model
    groups = [{"params": [*model.backbone.parameters()]}, {"params": [*model.classifier.parameters()], "lr": 1.0}]
    monkeypatch.setattr(model, "parameter_groups", lambda lr: groups)
    rates = spy(module, monkeypatch, lambda b: [g["lr"] for g in module.trainer.optimizers[0].param_groups])
    train()
    assert all(second == pytest.approx(2 * first) for first, second in rates)


def test_random_numbers_depend_on_the_step_not_on_history(prepared, monkeypatch):
    first, train_first = prepared()
    draws = spy(first, monkeypatch, lambda batch: (torch.rand(1).item(), batch.indices.tolist()))
    train_first()
    second, train_second = prepared()
    disturbed = spy(second, monkeypatch, lambda batch: (torch.rand(1).item(), torch.rand(99), batch.indices.tolist()))
    train_second()
    assert [(a, c) for a, _, c in disturbed] == draws
    assert len({number for number, _ in draws}) == len(draws)


def test_a_leg_that_begins_later_sees_the_later_epochs(prepared, monkeypatch):
    whole, train_whole = prepared("training.epochs=3")
    all_batches = spy(whole, monkeypatch, lambda batch: batch.images.sum().item())
    train_whole()
    rest, train_rest = prepared("training.epochs=3")
    rest.leg = Leg(rest.leg.stage, 0, 3, first_epoch=1)
    later = spy(rest, monkeypatch, lambda batch: batch.images.sum().item())
    train_rest()
    assert later == all_batches[4:]


def test_the_backbone_is_frozen_and_its_statistics_with_it_for_the_first_epochs(prepared, monkeypatch):
    module, train = prepared("training.epochs=3", "training.freeze_epochs=2")
    weight, mean = module.model.backbone[0].weight, module.model.backbone[1].running_mean
    seen = spy(
        module, monkeypatch, lambda b: (weight.clone().detach(), mean.clone(), module.model.classifier.weight.clone())
    )
    train()
    assert all(torch.equal(w, seen[0][0]) and torch.equal(m, seen[0][1]) for w, m, _ in seen[:9])
    assert not torch.equal(seen[0][2], seen[1][2])  # the classifier learns from the first step
    assert not torch.equal(seen[11][0], seen[8][0])
    assert not torch.equal(seen[11][1], seen[8][1])


def test_freezing_needs_a_backbone(prepared):
    with pytest.raises(UserError, match="the method reid_toys:NoBackbone has no 'backbone' to freeze"):
        prepared("training.freeze_epochs=1", method="reid_toys:NoBackbone")


def test_a_stage_trains_its_modules_and_leaves_the_rest_in_eval_mode(prepared):
    module, _ = prepared(method="reid_toys:TwoLegs")
    model = module.model
    second = model.stages()[1]
    model.classifier.bias.requires_grad_(False)
    before = {name: p.requires_grad for name, p in model.named_parameters()}
    with stage_trains(model, second):
        assert {name for name, p in model.named_parameters() if p.requires_grad} == {"second.weight", "second.bias"}
    assert {name: p.requires_grad for name, p in model.named_parameters()} == before
    module.leg = Leg(second, 1, 1)
    module.freezes = False
    module.on_train_epoch_start()
    assert model.second.training
    assert not model.backbone.training
    assert not model.dropout.training


def test_a_stage_without_parameters_is_refused(prepared):
    module, _ = prepared()
    for parameter in module.model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(UserError, match="stage 'main' of reid_toys:Toy has nothing to train"):
        module.configure_optimizers()


def test_accumulated_batches_step_once(prepared, monkeypatch):
    module, train = prepared("training.epochs=1", "training.accumulate=3")  # 4 batches: steps after 3 and after 4
    weight = module.model.classifier.weight
    seen = spy(module, monkeypatch, lambda batch: weight.detach().clone())
    train()
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[1], seen[2])
    assert not torch.equal(seen[2], seen[3])
    assert not torch.equal(seen[3], weight)


def test_the_average_moves_once_an_optimiser_step(prepared):
    module, train = prepared("training.epochs=1", "training.accumulate=3", "training.ema=0.9")
    steps = []
    start = module.on_train_start

    def watched():
        start()
        module.average.update = lambda model, step: steps.append(step)

    module.on_train_start = watched
    train()
    assert steps == [0, 1]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_training_lowers_the_loss(prepared, precision):
    module, train = prepared(
        "training.epochs=30", f"training.precision={precision}", "method.options.dropout=0.0", "optimizer.lr=0.05"
    )
    first = []
    module.on_train_epoch_end = lambda: (
        first.append(module.mean_losses()["id"]),
        module.loader.set_epoch(module.epoch + 1),
    )
    train()
    assert first[-1] < 0.5 * first[0]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_gradients_are_clipped(prepared, monkeypatch, kind, precision):
    norms = []
    module, train = prepared(
        "training.grad_clip=1e-3", f"optimizer.name={kind.__name__.lower()}", f"training.precision={precision}"
    )
    step = kind.step

    def watched(self, closure=None):
        result = closure() if closure is not None else None
        norms.append(torch.cat([p.grad.flatten() for p in module.model.parameters()]).norm().item())
        return step(self, None) or result

    monkeypatch.setattr(kind, "step", watched)
    train()
    assert norms
    assert max(norms) <= 1e-3 * 1.01


def test_a_loss_that_is_not_finite_stops_and_saves_its_batch(prepared, tmp_path):
    module, train = prepared("method.options.poison=6")  # the second step of the second epoch
    with pytest.raises(UserError, match=r"not finite in epoch 2, step 1 \(id = nan\).*nan_batch.json"):
        train()
    saved = json.loads((tmp_path / "nan_batch.json").read_text())
    assert (saved["stage"], saved["epoch"], saved["step"], saved["losses"]) == ("main", 2, 1, {"id": "nan"})
    assert len(saved["paths"]) == 4
    assert all(path in {str(r.path) for r in module.records} for path in saved["paths"])


@pytest.mark.parametrize(
    ("section", "kind", "expected"),
    [
        ({"name": "sgd", "momentum": 0.8, "nesterov": True}, torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
        ({"name": "adam", "weight_decay": 0.1}, torch.optim.Adam, {"weight_decay": 0.1}),
        ({"name": "adamw", "lr": 0.2}, torch.optim.AdamW, {"lr": 0.2}),
    ],
)
def test_optimisers_are_made_as_asked(section, kind, expected):
    optimizer = make_optimizer(OptimizerSection(**section), [{"params": [torch.nn.Parameter(torch.zeros(1))]}])
    assert type(optimizer) is kind
    assert {key: optimizer.param_groups[0][key] for key in expected} == expected


@pytest.mark.parametrize("section", [{"name": n} for n in ("adam", "adamw", "sgd")] + [{"name": "sgd", "momentum": 0}])
def test_the_fused_optimiser_of_a_cpu_takes_the_same_steps(section):
    def trained(device):
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 50))
        late = torch.nn.Parameter(torch.linspace(1, 2, 3))  # frozen at first
        optimizer = make_optimizer(OptimizerSection(lr=0.1, **section), [{"params": [weight, late]}], device)
        for step in range(5):
            weight.grad = torch.sin(weight.detach() * (step + 2))
            late.grad = torch.cos(late.detach()) if step > 1 else None
            optimizer.step()
        return torch.cat([weight.detach(), late.detach()]), optimizer.param_groups[0]["fused"]

    fused, plain, on_gpu = (trained(device) for device in (torch.device("cpu"), None, torch.device("cuda")))
    assert fused[1] is True and plain[1] is None and on_gpu[1] is None
    torch.testing.assert_close(fused[0], plain[0], rtol=1e-5, atol=1e-6)


def test_the_losses_are_compiled_where_the_recipe_says_so(prepared, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda losses, dynamic: compiled.append(1) or losses)
    prepared("training.epochs=1")[1]()
    assert not compiled
    prepared("training.epochs=1", "training.compile=true")[1]()
    assert compiled == [1]


def test_the_average_warms_up_as_the_recipe_says(prepared):
    module, train = prepared("training.epochs=1", "training.ema=0.9", "training.ema_warmup=0")
    train()
    assert (module.average.decay, module.average.warmup) == (0.9, 0)
