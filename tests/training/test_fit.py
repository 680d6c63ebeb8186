import signal
import warnings

import pytest

from occreid.training.devices import resolve_devices
from occreid.training.fit import fit
from occreid.training.module import TrainingModule
from occreid.training.sources import build_model, load_sources, make_legs


@pytest.fixture
def module(tiny, tmp_path):
    recipe = tiny("training.epochs=1")
    split = load_sources(recipe).split
    model = build_model(recipe, split)
    return TrainingModule(model, make_legs(recipe, model)[0], recipe, split.train, tmp_path)


def run(module):
    fit(module, module.recipe.training, resolve_devices(module.recipe.training))


def raising(module, monkeypatch, error):
    def losses(batch):
        raise error

    monkeypatch.setattr(module, "training_step", lambda batch, batch_idx: losses(batch))


def test_ctrl_c_stays_ctrl_c_and_works_again_afterwards(module, monkeypatch):
    raising(module, monkeypatch, KeyboardInterrupt())
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(module)
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_exit_asked_for_inside_stays_an_exit(module, monkeypatch):
    raising(module, monkeypatch, SystemExit(3))
    with pytest.raises(SystemExit) as caught:
        run(module)
    assert caught.value.code == 3


def test_training_is_quiet_and_leaves_the_callers_warnings_alone(module, capfd):
    before = list(warnings.filters)
    run(module)
    assert warnings.filters == before
    assert capfd.readouterr().err == ""


def test_lightning_writes_nothing_of_its_own(module, tmp_path):
    run(module)
    assert list(tmp_path.iterdir()) == []
