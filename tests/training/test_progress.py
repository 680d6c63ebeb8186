import io
from types import SimpleNamespace

from rich.console import Console

from occreid.training.devices import resolve_devices
from occreid.training.fit import fit
from occreid.training.module import TrainingModule
from occreid.training.progress import ProgressBar
from occreid.training.sources import build_model, load_sources, make_legs


def trained(tiny, tmp_path, *overrides):
    """Train a toy with a bar; returns the bar's (description, completed, total, loss) after every step."""
    recipe = tiny(*overrides)
    split = load_sources(recipe).split
    model = build_model(recipe, split)
    module = TrainingModule(model, make_legs(recipe, model)[0], recipe, split.train, tmp_path)
    bar = ProgressBar(Console(file=io.StringIO(), force_terminal=True))
    seen = []
    step = bar.on_train_batch_end

    def watched(*arguments):
        step(*arguments)
        task = bar._bar.tasks[0]
        seen.append((task.description, task.completed, task.total, task.fields["loss"]))

    bar.on_train_batch_end = watched
    fit(module, recipe.training, resolve_devices(recipe.training), [bar])
    assert bar._bar is None
    return seen


def test_the_bar_counts_all_steps_of_the_leg_and_shows_the_loss(tiny, tmp_path):
    seen = trained(tiny, tmp_path, "training.epochs=2")
    assert [done for _, done, _, _ in seen] == list(range(1, 9))
    assert {total for _, _, total, _ in seen} == {8}
    assert [text for text, *_ in seen] == ["epoch 1/2"] * 4 + ["epoch 2/2"] * 4
    assert all(float(loss) > 0 for *_, loss in seen)


def test_an_error_takes_the_bar_away():
    bar = ProgressBar(Console(file=io.StringIO()))
    stopped = []
    bar._bar = SimpleNamespace(stop=lambda: stopped.append(True))
    bar.on_exception(None, None, RuntimeError())
    bar.on_exception(None, None, RuntimeError())
    assert stopped == [True]
