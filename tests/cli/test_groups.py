from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from occreid.cli.groups import Benchmark, Benchmarks, Running, grouped
from occreid.errors import UserError


@dataclass(frozen=True)
class Group:
    source: Annotated[Path, typer.Argument(help="Where from.")]
    often: Annotated[int, typer.Option("--often", min=1, help="How often.")] = 3


@grouped
def command(*, word: Annotated[str, typer.Argument()], group: Group, loud: bool = False) -> None:
    """Do it."""
    typer.echo(f"{word} {group.source} {group.often} {loud}")


def run(*words):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(words))


def test_fields_of_a_group_are_options_in_the_place_of_the_group():
    assert run("a", "b", "--often", "2", "--loud").output == "a b 2 True\n"
    assert run("a", "b").output == "a b 3 False\n"
    text = run("--help").output
    assert "Do it." in text and "How often." in text and text.index("--often") < text.index("--loud")


def test_what_typer_checks_is_checked_in_a_group():
    assert run("a").exit_code == 2 and run("a", "b", "--often", "0").exit_code == 2


def test_options_of_a_benchmark_go_before_the_usual_ones(market):
    given = Benchmark(market, "market1501", ["strict=no"])
    assert len(given.split(strict=True).records) == 36
    with pytest.raises(UserError, match=r"12,?936"):
        Benchmark(market, "market1501").split()


def test_only_one_benchmark_where_more_make_no_sense(market, make_run):
    one = Benchmarks([f"market1501={market}"], ["strict=no"])
    assert one.only(make_run(), "too many.").name == Benchmarks().only(make_run(), "too many.").name == "market1501"
    with pytest.raises(UserError, match=r"too many\. Give --on once"):
        Benchmarks([f"market1501={market}"] * 2, ["strict=no"]).only(make_run(), "too many.")


def test_how_a_model_runs_is_checked_at_once():
    settings = Running("cpu", batch_size=7, workers=2).settings(progress=True)
    assert (settings.device, settings.precision, settings.batch_size) == ("cpu", None, 7)
    assert (settings.workers, settings.progress) == (2, True)
    with pytest.raises(UserError, match="no device 'warp'"):
        Running("warp").settings(progress=False)
