"""What installing occreid brings with it: the packages behind each extra, read from what is installed here."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_WORK = ("dev", "docs", "notebooks")
USE = tuple(e for e in distribution("occreid").metadata.get_all("Provides-Extra") or () if e not in _WORK)
"""The extras that add something to use; the others are for work on the package itself."""


def closure(extras: tuple[str, ...] = (), package: str = "occreid") -> dict[str, Distribution]:
    """Name → distribution of everything that ``package[extras]`` needs on this machine, without itself, sorted.

    Raises:
        LookupError: something is not installed; it names all that is missing.
    """
    found: dict[str, Distribution] = {}
    missing: set[str] = set()
    done: set[tuple[str, str]] = set()
    todo = [(package, extra) for extra in ("", *extras)]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            missing.add(name)
            continue
        for line in found[name].requires or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(wanted.name), each) for each in ("", *wanted.extras)]
    if missing:
        raise LookupError(f"not installed: {', '.join(sorted(missing))}")
    found.pop(package)
    return dict(sorted(found.items()))


def megabytes(package: Distribution) -> float:
    """What a package's files take on the disk, in 10⁶ bytes."""
    paths = (package.locate_file(file) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6  # type: ignore[attr-defined]  # Path
