"""`occreid serve`: the service, its keys, its calibration."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.errors import UserError
from occreid.files import read_json, read_text

KeysFile = Annotated[Path, typer.Option("--keys", help="The keys file.")]
AuditFile = Annotated[Path, typer.Option("--audit", help="The audit log; lines are only appended.")]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="A file of 'occreid serve calibrate'; without: no probability.")
]
RetentionDays = Annotated[float | None, typer.Option("--retention-days", help="Delete older entries for good, hourly.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def register(app: typer.Typer) -> None:
    """Add the group `serve`."""
    group = typer.Typer(
        name="serve",
        help="Enrol, search, compare and explain over HTTP, with a page for people.",
        invoke_without_command=True,
    )
    group.callback()(serve)
    keys = typer.Typer(name="keys", help="Who may do what: add, list, revoke keys.", no_args_is_help=True)
    keys.command("add")(add)
    keys.command("list")(list_)
    keys.command()(revoke)
    group.add_typer(keys)
    group.command("calibrate")(calibrate)
    app.add_typer(group)


def serve(
    context: typer.Context,
    model: Annotated[Path | None, typer.Option("--model", help="A run folder or .safetensors file.")] = None,
    gallery: Annotated[
        str | None, typer.Option("--gallery", help="A folder (made if missing) or a Milvus URI.")
    ] = None,
    keys: KeysFile = Path("keys.json"),
    audit: AuditFile = Path("audit.jsonl"),
    calibration: CalibrationFile = None,
    host: Annotated[str, typer.Option("--host", help="Loopback, or with --behind-proxy another.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy with TLS stands before the service.")
    ] = False,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps or auto.")] = "auto",
    max_body: Annotated[float, typer.Option("--max-body", help="MiB of a request.")] = 10,
    max_pixels: Annotated[float, typer.Option("--max-pixels", help="Megapixels of a picture.")] = 16,
    rate: Annotated[float, typer.Option("--rate", help="Requests per second of one key.")] = 50,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Requests at once; more get a 429.")] = 32,
    max_batch: Annotated[int, typer.Option("--max-batch", help="Pictures described at once.")] = 32,
    retention_days: RetentionDays = None,
    keep_pictures: Annotated[
        bool, typer.Option("--keep-pictures/--no-pictures", help="Whether the gallery keeps enrolled crops.")
    ] = True,
) -> None:
    """Serve a model and a gallery on this machine, with a page at http://127.0.0.1:8000.

    Example: occreid serve --model runs/market --gallery galleries/hall --keys keys.json

    First make a key: occreid serve keys add anna --role search --role enrol
    """
    if context.invoked_subcommand is not None:
        return
    if importlib.util.find_spec("fcntl") is None:  # what the audit log locks with
        raise UserError("the service does not run on this system.", "Run it on Linux, macOS or another POSIX system.")
    if model is None or gallery is None:
        missing = "--model" if model is None else "--gallery"
        raise UserError(f"{missing} is not given.", "Write: occreid serve --model RUN --gallery FOLDER")
    from occreid.serve import Settings
    from occreid.serve.keys import KeyRing
    from occreid.serve.memory import share_arenas
    from occreid.serve.run import Address, open_service, run

    share_arenas()
    address = Address(host, port, behind_proxy)
    address.check()
    settings = Settings(
        max_body=int(max_body * 2**20),
        max_pixels=int(max_pixels * 1e6),
        rate=rate,
        burst=max(1, round(2 * rate)),
        concurrency=concurrency,
        max_batch=max_batch,
        retention_days=retention_days,
        keep_pictures=keep_pictures,
    )
    ring = KeyRing(keys)
    ring.refresh()
    service = open_service(model, gallery, audit, settings=settings, calibration=calibration, device=device)
    for warning in service.warnings():
        typer.echo(f"note: {warning}", err=True)
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"{len(service.gallery):,} entries; page and API on http://{shown}:{port} (Ctrl-C ends)", err=True)
    run(service, ring, address)


def add(
    name: Annotated[str, typer.Argument(help="Who will hold the key.")],
    role: Annotated[list[str], typer.Option("--role", help="search, enrol, admin or monitor; may be repeated.")],
    keys: KeysFile = Path("keys.json"),
    as_json: Json = False,
) -> None:
    """Make a key and show it, once.

    Example: occreid serve keys add anna --role search --role enrol
    """
    from occreid.serve import add_key

    key, token = add_key(keys, name, role)
    if as_json:
        typer.echo(json.dumps({"id": key.id, "name": key.name, "roles": key.roles, "key": token}))
        return
    typer.echo(f"key {key.id} of {key.name} ({', '.join(key.roles)}); it is shown only now:", err=True)
    typer.echo(token)


def list_(keys: KeysFile = Path("keys.json"), as_json: Json = False) -> None:
    """List the keys: names, roles, dates; never the keys themselves.

    Example: occreid serve keys list
    """
    from occreid.serve import read_keys

    found = read_keys(keys)
    if as_json:
        rows = [
            {"id": k.id, "name": k.name, "roles": k.roles, "created": k.created, "revoked": k.revoked} for k in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for key in found:
        state = "valid" if key.revoked is None else f"revoked {_day(key.revoked)}"
        typer.echo(f"{key.id}  {key.name:20s}  {', '.join(key.roles):24s}  made {_day(key.created)}  {state}")


def revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="As 'occreid serve keys list' shows it.")],
    keys: KeysFile = Path("keys.json"),
) -> None:
    """Make a key worthless at once, also for a service that is running.

    Example: occreid serve keys revoke 1f2e3d4c
    """
    from occreid.serve import revoke_key

    key = revoke_key(keys, identity)
    typer.echo(f"key {key.id} of {key.name} is revoked")


def calibrate(
    descriptors: Annotated[Path, typer.Argument(help="A part's folder of 'occreid extract', e.g. descriptors/query.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("calibration.json"),
    check: Annotated[
        Path | None, typer.Option("--check", help="Other descriptors of the model, to measure the result on.")
    ] = None,
    prior: Annotated[float, typer.Option("--prior", help="Presumed share of pairs that show one person.")] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Learn what a distance is worth: a probability of being one person, and how far it can be trusted.

    Use persons the model was not trained on: of its own training persons it is too sure.

    Example: occreid serve calibrate descriptors/train --out calibration.json
    """
    from occreid.descriptors import Descriptors
    from occreid.retrieval.calibration import calibrate as fit
    from occreid.retrieval.calibration import check as measure

    metric, weights, words = _about(descriptors)
    if check is not None and _about(check)[:2] != (metric, weights):
        raise UserError(f"{check} holds descriptors of another model.", "Extract them with the same weights.")
    found = fit(Descriptors.load(descriptors), metric, weights_hash=weights, fitted_on=words, prior=prior, seed=seed)
    found.save(out)
    if as_json:
        typer.echo(read_text(out))
        return
    if descriptors.name == "train":
        typer.echo("warning: if the model was trained on these persons, it is too sure of itself.", err=True)
    held = found.held_out
    typer.echo(f"fitted on {found.pairs['genuine']:,} pairs of one person and {found.pairs['impostor']:,} of two")
    typer.echo(f"on persons left out: expected calibration error {held['ece']:.4f}, Brier score {held['brier']:.4f}")
    if check is not None:
        other = measure(found, Descriptors.load(check), seed=seed)
        typer.echo(f"on {check}: expected calibration error {other['ece']:.4f}, Brier score {other['brier']:.4f}")
    typer.echo(f"written to {out}")


def _about(descriptors: Path) -> tuple[Any, str, str]:
    """Metric, weights and words for a part's folder of `occreid extract`."""
    from occreid.evaluation.saved import ABOUT

    try:
        about = read_json(descriptors.parent / ABOUT, hint="Write descriptors with: occreid extract")
        return about["metric"], about["weights_sha256"], f"{about['benchmark']} {descriptors.name}"
    except (KeyError, TypeError) as error:
        raise UserError(
            f"cannot read {descriptors.parent / ABOUT} ({error}).", "Write descriptors with: occreid extract"
        ) from error


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
