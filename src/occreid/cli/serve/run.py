"""`occreid serve`: the service itself."""

from __future__ import annotations

import importlib.util
import math
import os
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.options import OWN_MODEL
from occreid.cli.serve.audit import AuditFile
from occreid.cli.serve.keys import KeysFile
from occreid.errors import UserError, require

CalibrationFile = Annotated[
    Path | None,
    typer.Option("--calibration", help="A file of 'occreid serve calibrate'; left out, the curve of the model's card."),
]
RetentionDays = Annotated[float | None, typer.Option("--retention-days", help="Delete older entries for good, hourly.")]


def serve(
    context: typer.Context,
    model: Annotated[Path, typer.Option("--model", help="A model's name, a run folder or file.")] = OWN_MODEL,
    gallery: Annotated[
        str | None, typer.Option("--gallery", help="A folder (made if missing) or a Milvus URI.")
    ] = None,
    keys: KeysFile = Path("keys.json"),
    audit: AuditFile = Path("audit.jsonl"),
    calibration: CalibrationFile = None,
    host: Annotated[str, typer.Option("--host", help="Loopback, or with --behind-proxy another.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8000,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy with TLS stands before the service.")
    ] = False,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Speak HTTPS with this certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key, if not in the same file.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps or auto.")] = "auto",
    precision: Annotated[
        str, typer.Option("--precision", help="float32, bfloat16, float16, or auto: what is fastest here.")
    ] = "float32",
    max_body: Annotated[float, typer.Option("--max-body", help="MiB of a request.")] = 10,
    max_pixels: Annotated[float, typer.Option("--max-pixels", help="Megapixels of a picture.")] = 16,
    rate: Annotated[float, typer.Option("--rate", help="Requests per second of one key.")] = 50,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Requests at once; more get a 429.")] = 32,
    max_batch: Annotated[int, typer.Option("--max-batch", help="Pictures described at once.")] = 32,
    detector: Annotated[
        str | None, typer.Option("--detector", help="Proposes the persons of a scene on the page; as of occreid crop.")
    ] = None,
    weights: Annotated[str, typer.Option("--detector-weights", help="Of torchvision's: coco, or a file.")] = "coco",
    retention_days: RetentionDays = None,
    keep_pictures: Annotated[
        bool, typer.Option("--keep-pictures/--no-pictures", help="Whether the gallery keeps enrolled crops.")
    ] = True,
    durability: Annotated[
        str, typer.Option("--durability", help="What an answer outlives: process (a crash), or disk (a power cut).")
    ] = "process",
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="NAME=VALUE", help="Any limit of docs/service.md by its name; repeat it."),
    ] = None,
) -> None:
    """Serve a model and a gallery on this machine, with a page at http://127.0.0.1:8000.

    Example: occreid serve --model runs/market --gallery galleries/hall --keys keys.json

    First make a key: occreid serve keys add anna --role search --role enrol
    """
    if context.invoked_subcommand is not None:
        return
    if importlib.util.find_spec("fcntl") is None:  # what the audit log locks with
        raise UserError("the service does not run on this system.", "Run it on Linux, macOS or another POSIX system.")
    if gallery is None:
        raise UserError("--gallery is not given.", "Write: occreid serve --gallery FOLDER")
    for package in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        require(package, "serve")
    from occreid.serve import Settings
    from occreid.serve.keys import KeyRing
    from occreid.serve.memory import share_arenas
    from occreid.serve.run import Address, bind, open_service, run

    share_arenas()
    os.umask(0o077)  # what is written is for its owner alone
    address = Address(host, port, behind_proxy, tls_cert, tls_key)
    address.check()
    for name, value in (("max-body", max_body), ("max-pixels", max_pixels), ("rate", rate)):
        if not math.isfinite(value):
            raise UserError(
                f"--{name} {value} is no limit.", "Give a number; a large one where nothing shall be refused."
            )
    settings = Settings.of(
        limit or (),
        max_body=int(max_body * 2**20),
        max_pixels=int(max_pixels * 1e6),
        rate=rate,
        burst=max(1, round(2 * rate)),
        concurrency=concurrency,
        max_batch=max_batch,
        retention_days=retention_days,
        keep_pictures=keep_pictures,
        durability=durability,
    )
    ring = KeyRing(keys)
    ring.refresh()
    with bind(address) as place:  # left again where what is served cannot be opened
        service = open_service(
            model,
            gallery,
            audit,
            settings=settings,
            calibration=calibration,
            device=device,
            precision=precision,  # type: ignore[arg-type]  # checked there
            detector=detector,
            detector_weights=weights,
        )
        if precision == "auto":
            typer.echo(f"auto: {service.engine.way.precision}, {service.engine.way.memory_format}", err=True)
        for warning in service.warnings():
            typer.echo(f"note: {warning}", err=True)
        shown = f"{'https' if tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{place.getsockname()[1]}"
        typer.echo(f"{len(service.gallery):,} entries; page and API on {shown} (Ctrl-C ends)", err=True)
        run(service, ring, address, place)
