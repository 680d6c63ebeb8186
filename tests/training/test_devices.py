import pytest
import torch

from occreid.errors import UserError
from occreid.training.devices import check_sync_batchnorm, process_rank, resolve_devices
from occreid.training.recipe import TrainingSection


@pytest.fixture
def machine(monkeypatch):
    def pretend(gpus=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(("gpus", "mps", "kind"), [(0, False, "cpu"), (0, True, "mps"), (2, True, "cuda")])
def test_auto_takes_the_fastest_there_is(machine, gpus, mps, kind):
    machine(gpus, mps)
    assert resolve_devices(TrainingSection()).kind == kind


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"accelerator": "cuda"}, "accelerator is cuda, and this machine has none"),
        ({"accelerator": "cpu", "precision": "fp16"}, "fp16 does not work on a CPU"),
        ({"precision": "fp16"}, "fp16 does not work on a CPU"),
    ],
)
def test_wishes_the_machine_cannot_grant_are_refused(machine, section, message):
    machine()
    with pytest.raises(UserError, match=message):
        resolve_devices(TrainingSection(**section))


def test_compiling_needs_something_that_compiles(machine, monkeypatch):
    machine()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UserError, match=r"training\.compile needs a C\+\+ compiler"):
        resolve_devices(TrainingSection(compile=True))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/clang++" if name == "clang++" else None)
    assert resolve_devices(TrainingSection(compile=True)).kind == "cpu"
    machine(gpus=1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs Triton"):
        resolve_devices(TrainingSection(compile=True))


def test_more_devices_than_there_are_is_refused(machine):
    machine(gpus=2)
    with pytest.raises(UserError, match="devices is 3, and this machine has 2"):
        resolve_devices(TrainingSection(devices=3))
    machine(mps=True)
    with pytest.raises(UserError, match="one MPS device"):
        resolve_devices(TrainingSection(devices=2))


def test_the_world_is_devices_times_nodes(machine):
    machine(gpus=8)
    assert resolve_devices(TrainingSection(devices=4, nodes=3)).world_size == 12


def test_several_processes_wait_for_an_evaluation_and_expect_frozen_parts(machine):
    machine()
    section = TrainingSection(accelerator="cpu", devices=2, precision="bf16", sync_batchnorm=True)
    options = resolve_devices(section).trainer_options(section, freezes=True)
    assert options["strategy"]._ddp_kwargs["find_unused_parameters"] is True
    assert options["strategy"]._timeout.total_seconds() >= 3600
    assert (options["precision"], options["sync_batchnorm"], options["devices"]) == ("bf16-mixed", True, 2)
    alone = TrainingSection(accelerator="cpu", sync_batchnorm=True)
    options = resolve_devices(alone).trainer_options(alone, freezes=True)
    assert (options["strategy"], options["sync_batchnorm"]) == ("auto", False)


def test_the_rank_is_what_the_launcher_says(monkeypatch):
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert process_rank() == 0
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert process_rank() == 1
    monkeypatch.setenv("RANK", "9")
    assert process_rank() == 9


def test_each_process_works_on_its_own_gpu(machine, monkeypatch):
    machine(gpus=4)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert resolve_devices(TrainingSection()).own() == torch.device("cuda", 3)
    assert resolve_devices(TrainingSection(accelerator="cpu")).own() == torch.device("cpu")


@pytest.mark.parametrize(
    ("backbone", "layer"), [("tf_efficientnet_lite0", "NormRelu6"), ("mobilenetv3_small_050", "BatchNormAct2d")]
)
def test_synchronised_statistics_never_take_activations_away(backbone, layer):
    from occreid.models import create_model

    model = create_model("baseline", 3, backbone=backbone, pretrained="none")
    with pytest.raises(UserError, match=f"this network's {layer}"):
        check_sync_batchnorm(model)
    resnet = create_model("baseline", 3, backbone="resnet18", pretrained="none")
    check_sync_batchnorm(resnet)
