"""How many megabytes occreid takes, and what each extra adds to it: the table of docs/installing.md.

Example: python tools/install_size.py
"""

from __future__ import annotations

from installed import USE, closure, megabytes

LARGE = 25.0
"""A package of so many MB is named."""


def main() -> None:
    """Print the table."""
    core = closure()
    sizes = {name: megabytes(package) for name, package in closure(USE).items()}
    torch = {n for n in core if n in ("torch", "triton") or n.startswith(("nvidia-", "cuda-"))}
    print("| what | MB | most of it |\n|---|---:|---|")
    print(_row("PyTorch, here a CUDA build", torch, sizes))
    print(_row("occreid without extras, besides PyTorch", set(core) - torch, sizes))
    for extra in USE:
        print(_row(f"`{extra}` adds", set(closure((extra,))) - set(core), sizes))


def _row(what: str, names: set[str], sizes: dict[str, float]) -> str:
    large = sorted((n for n in names if sizes[n] >= LARGE), key=lambda n: -sizes[n])[:4]
    return f"| {what} | {sum(sizes[n] for n in names):,.0f} | {', '.join(f'{n} {sizes[n]:.0f}' for n in large)} |"


if __name__ == "__main__":
    main()
