"""Starting the service: everything is opened and checked before the port is."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from occreid.errors import UserError, require
from occreid.extraction import AskedPrecision
from occreid.gallery import open_or_create
from occreid.retrieval.calibration import Calibration
from occreid.scenes import open_boxes
from occreid.serve import memory
from occreid.serve.audit import AuditLog
from occreid.serve.engine import Engine
from occreid.serve.keys import KeyRing
from occreid.serve.proposing import Proposer
from occreid.serve.recurring import Recurring
from occreid.serve.service import Service
from occreid.serve.settings import Settings


@dataclass(frozen=True, slots=True)
class Address:
    """Where the service listens.

    Attributes:
        host: loopback, unless ``behind_proxy``.
        port: 0 takes a free one.
        behind_proxy: whoever starts it says that a proxy with TLS stands before it.
        tls_cert: PEM file of a certificate chain: the service then speaks HTTPS itself, on any address.
        tls_key: PEM file of its key; left out, it is in ``tls_cert``.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    behind_proxy: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def check(self) -> None:
        """Refuse to carry keys and pictures over a network in plain text.

        Raises:
            UserError: not loopback, and neither proxy nor certificate; a missing file.
        """
        try:
            local = self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            local = False
        for file in (self.tls_cert, self.tls_key):
            if file is not None and not file.is_file():
                raise UserError(f"there is no file {file}.", "Give a PEM file: --tls-cert chain.pem --tls-key key.pem")
        if not local and not self.behind_proxy and self.tls_cert is None:
            raise UserError(
                f"{self.host} can be reached from other machines, and the service speaks plain HTTP.",
                "Put a proxy with TLS before it (docs/service.md), then add --behind-proxy; or give --tls-cert.",
            )


def open_service(
    model: str | Path,
    gallery: str,
    audit: str | Path,
    *,
    settings: Settings | None = None,
    calibration: str | Path | None = None,
    device: str = "cpu",
    precision: AskedPrecision = "float32",
    token: str | None = None,
    detector: str | None = None,
    detector_weights: str = "coco",
) -> Service:
    """A service over a gallery, which is made if there is none.

    Args:
        model: a run folder or weights file.
        gallery: a folder or a Milvus address, see `Gallery.create`.
        audit: the audit log.
        settings: limits.
        calibration: a file of `occreid serve calibrate`; None: the curve of the model's card, if it has one
            and the gallery's pictures are described as there.
        device: where the model runs.
        precision: what it computes in, or ``"auto"``: what is fastest here.
        token: of a Milvus server; left out, that of the variable ``OCCREID_MILVUS_TOKEN``.
        detector: what finds persons in a scene, see `occreid.scenes.open_boxes`; None: nobody.
        detector_weights: of one of torchvision's.

    Raises:
        UserError: anything that does not fit together: other weights, no such file, a missing extra.
    """
    engine = Engine.load(model, device, precision)
    metric = engine.model.metric
    curve = None
    if calibration is not None:
        curve = Calibration.load(calibration, weights_hash=engine.weights_hash, metric=metric)
    opened = open_or_create(gallery, engine.manifest, token=token)
    card = engine.model.card
    # mirrored descriptors have other distances than those the card's curve was fitted on
    if curve is None and "calibration" in card and opened.manifest.flip_test == bool(card.get("flip_test")):
        curve = Calibration.of_card(card, weights_hash=engine.weights_hash, metric=metric)
    engine.model.flip_test = opened.manifest.flip_test  # queries are described as the entries were
    settings = settings or Settings()
    if settings.durability == "disk":
        opened.keep_on_disk()
    log = AuditLog(audit, most=settings.audit_bytes, durable=settings.durability == "disk")
    service = Service(engine, opened, log, settings, curve)
    if detector is not None:
        boxes = open_boxes(detector, weights=detector_weights, device=engine.device)
        service.proposer = Proposer(boxes, waiting=settings.max_scenes, seconds=settings.scene_seconds)
    return service


def bind(address: Address) -> socket.socket:
    """Take the port, before anything is loaded or announced; nobody is answered yet.

    Raises:
        UserError: the address cannot be used: the port is taken, or the host is none of this machine's.
    """
    address.check()
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, place = min(found)  # of a name with two, the address of IPv4
        taken = socket.socket(family, kind)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that a service has just left is free
            taken.bind(place)
            taken.listen(0)  # only so is a second service refused; connections wait until `run` answers them
        except OSError:
            taken.close()
            raise
    except OSError as error:
        raise UserError(
            f"cannot listen on {address.host}:{address.port} ({error.strerror or error}).",
            "Is the port taken? Choose another: --port",
        ) from error
    return taken


def run(service: Service, ring: KeyRing, address: Address, place: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C; requests inside are finished first.

    Args:
        service: what is served.
        ring: the keys that open.
        address: of the service.
        place: from `bind`.

    Raises:
        UserError: a missing extra.
    """
    uvicorn = require("uvicorn", "serve")
    require("fastapi", "serve")
    require("python_multipart", "serve")
    from occreid.serve.app import create_app
    from occreid.serve.protocol import GuardedProtocol

    ring.refresh()
    service.engine.warm_up(service.settings.max_batch)
    config = uvicorn.Config(
        create_app(service, ring),
        host=address.host,
        port=address.port,
        log_level="warning",
        access_log=False,  # the audit log says more, and paths hold ids
        server_header=False,
        proxy_headers=address.behind_proxy,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=20,
        h11_max_incomplete_event_size=32 * 1024,
        http=GuardedProtocol,
        ssl_certfile=address.tls_cert,
        ssl_keyfile=address.tls_key,
        ws="none",
    )
    memory.settle()
    tidying = Recurring("return of memory", memory.give_back, memory.EVERY)
    tidying.start()
    with place:
        uvicorn.Server(config).run(sockets=[place])
    tidying.stop()
