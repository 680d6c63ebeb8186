"""Speed and size of models: images a second, parameters, operations, memory; several in one interleaved run."""

from occreid.bench.costs import Costs, costs
from occreid.bench.lists import BenchList, Selection, find_list, load_list, select
from occreid.bench.models import Model, prepare
from occreid.bench.tables import Line, as_json, facts, measure, rows
from occreid.bench.timing import Speed, interleave

__all__ = [
    "BenchList",
    "Costs",
    "Line",
    "Model",
    "Selection",
    "Speed",
    "as_json",
    "costs",
    "facts",
    "find_list",
    "interleave",
    "load_list",
    "measure",
    "prepare",
    "rows",
    "select",
]
