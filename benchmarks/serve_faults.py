"""The service killed and robbed of its disk: `python benchmarks/serve_faults.py kill|disk [--rounds 24]`.

``kill``: every round two processes of the service start on one gallery, three clients enrol and delete through both,
and one of the two is killed (-9) at a random moment, the other right after; then everything that was acknowledged is
looked for: entries that must be there, entries that must be gone, the sound gallery, the unbroken log.
``disk`` (as root: it mounts small file systems in memory): the gallery's or the log's disk is full, or read-only.

The processes are forked from one that has loaded everything, so that a round takes seconds. The network has random
weights.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from occreid.gallery import Gallery
from occreid.serve.keys import KeyRing, add_key
from occreid.serve.run import Address, bind, open_service, run
from occreid.serve.settings import Settings
from occreid.serve.trail import check_audit, read_audit
from serve import form, make_picture, write_model

_FORK = multiprocessing.get_context("fork")


class Place:
    """Where the files of a service lie.

    Args:
        folder: of all of them.
        gallery: the gallery's, where it lies elsewhere.
        audit: the log, likewise.
    """

    def __init__(self, folder: Path, gallery: Path | None = None, audit: Path | None = None) -> None:
        self.run = write_model(folder / "run", 64, 32)
        self.gallery, self.audit = gallery or folder / "gallery", audit or folder / "audit.jsonl"
        self.keys = folder / "keys.json"
        self.token = add_key(self.keys, "all", ["admin"])[1]
        self.log = folder / "server.log"


class Service:
    """The service in a process of its own.

    Args:
        place: its files.
        limits: further settings.
    """

    def __init__(self, place: Place, **limits: Any) -> None:
        self._token, self._log = place.token, place.log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = Settings(rate=1e6, burst=10**6, audit_bytes=20_000, **limits)
        self.process = _FORK.Process(target=_serve, args=(place, self.port, settings))
        self.process.start()

    def wait(self) -> Service:
        """Return when it answers."""
        while True:
            try:
                self("GET", "/livez")
                return self
            except OSError:
                if not self.process.is_alive():
                    sys.exit(f"the service did not start: {self._log.read_text()[-2000:]}")
                time.sleep(0.02)

    def __call__(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        """Status and body; an `OSError` or `HTTPException` where it was killed."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            headers = {"Authorization": f"Bearer {self._token}", **({"Content-Type": kind} if kind else {})}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self, how: int = signal.SIGTERM) -> None:
        """Send a signal and wait."""
        os.kill(self.process.pid or 0, how)
        self.process.join()


def _serve(place: Place, port: int, settings: Settings) -> None:
    os.dup2(os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    service = open_service(place.run, str(place.gallery), place.audit, settings=settings)
    address = Address(port=port)
    run(service, KeyRing(place.keys), address, bind(address))


# ---- kill -9


class Ledger:
    """What was acknowledged, and what was asked for when the process died."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.there: set[str] = set()
        self.gone: set[str] = set()
        self.open: set[str] = set()
        self.statuses: Counter[int] = Counter()


def _work(service: Service, ledger: Ledger, pictures: list[bytes], seed: int) -> None:
    """Enrol, and delete every fourth again, until the process dies."""
    draw = random.Random(seed)
    try:
        for number, picture in enumerate(pictures):
            status, body = service("POST", "/v1/entries", *form(picture, camid=str(seed)))
            ledger.statuses[status] += 1
            if status != 200:
                continue
            name = json.loads(body)["id"]
            with ledger.lock:
                ledger.there.add(name)
            if number % 4 == 3:
                with ledger.lock:
                    name = draw.choice(sorted(ledger.there))
                    ledger.there.discard(name)
                    ledger.open.add(name)
                status, _ = service("DELETE", f"/v1/entries/{name}")
                ledger.statuses[status] += 1
                if status == 200:
                    with ledger.lock:
                        ledger.open.discard(name)
                        ledger.gone.add(name)
    except (OSError, HTTPException):
        return  # killed in the middle: nothing was acknowledged


def kill(rounds: int, seed: int) -> dict[str, Any]:
    """See the module."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name))
        ledger, lost, back, unlogged, unsound = Ledger(), 0, 0, 0, 0
        for number in range(rounds):
            both = [Service(place), Service(place)]
            for service in both:
                service.wait()
            pictures = [make_picture(1000 * number + n, 64, 32) for n in range(600)]
            shares = [(both[client % 2], pictures[client::3], 100 * number + client) for client in range(3)]
            threads = [threading.Thread(target=_work, args=(s, ledger, p, k)) for s, p, k in shares]
            for thread in threads:
                thread.start()
            time.sleep(draw.uniform(0.2, 3))
            draw.shuffle(both)
            both[0].end(signal.SIGKILL)
            time.sleep(draw.uniform(0, 0.3))
            both[1].end(signal.SIGKILL)
            for thread in threads:
                thread.join()
            ids, sound = in_a_child(_looked_at, place.gallery)
            unsound += not sound
            lost += len(ledger.there - ids)
            back += len(ledger.gone & ids)
            ledger.there |= ledger.open & ids
            ledger.open.clear()
            logged = {line["id"] for line in read_audit(place.audit) if line["action"] == "enrol"}
            unlogged += len(ids - logged)
            print(f"round {number + 1}: {len(ids)} entries, {lost} lost", file=sys.stderr, flush=True)
        last = Service(place).wait()
        ready = last("GET", "/readyz")[0]
        last("DELETE", "/v1/entries/none")  # sweeps what a killed deletion left
        last.end()
        bytes_ = b"".join(f.read_bytes() for f in place.gallery.rglob("*") if f.is_file())
        report = check_audit(place.audit)
        return {
            "rounds": rounds,
            "killed processes": 2 * rounds,
            "statuses": dict(ledger.statuses),
            "acknowledged entries lost": lost,
            "acknowledged deletions undone": back,
            "entries that the log does not know": unlogged,
            "unsound galleries": unsound,
            "deleted ids in the bytes of the gallery": sum(name.encode() in bytes_ for name in ledger.gone),
            "log": {"files": len(report.files), "lines": report.lines, "breaks": report.breaks},
            "ready afterwards": ready,
        }


def _looked_at(folder: Path) -> tuple[set[str], bool]:
    """The ids of all entries, and whether the gallery is sound."""
    with Gallery.open(str(folder)) as gallery:
        return {entry.id for entry in gallery.page(limit=100_000).entries}, gallery.verify().sound


def in_a_child(work: Callable[..., Any], *given: Any) -> Any:
    """What some work gives, done in a process of its own: one that has used LanceDB must not be forked."""
    mine, its = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=lambda: its.send(work(*given)))
    child.start()
    found = mine.recv()
    child.join()
    return found


# ---- disks


def disk(size: str) -> dict[str, Any]:
    """See the module."""
    found = {}
    for what in ("gallery", "audit"):
        for fault in ("full", "read-only"):
            with tempfile.TemporaryDirectory() as name:
                mount = Path(name, "mount")
                mount.mkdir()
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", mount], check=True)
                try:
                    found[f"{what} {fault}"] = _on_a_bad_disk(Path(name), mount, what, fault)
                finally:
                    subprocess.run(["umount", mount], check=True)
    return found


def _on_a_bad_disk(folder: Path, mount: Path, what: str, fault: str) -> dict[str, Any]:
    """Fill a service, spoil the disk of its gallery or log, ask, mend the disk, ask again."""
    place = Place(folder, **{what: mount / ("it" if what == "gallery" else "it.jsonl")})
    service = Service(place, check_every=0.5).wait()
    pictures = [make_picture(n, 64, 32) for n in range(12)]
    ids = [json.loads(service("POST", "/v1/entries", *form(p))[1])["id"] for p in pictures[:8]]
    if fault == "full":
        _fill(mount / "filler")
    else:  # a disk with files open for writing does not become read-only: the service starts on one that is
        service.end()
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        service = Service(place, check_every=0.5)
        if what == "audit":
            service.process.join()
            return {"exit code of the start": service.process.exitcode, "log": place.log.read_text()[-300:]}
        service.wait()
    for _ in range(20 if fault == "full" else 0):  # the last page of the log has some room
        service("POST", "/v1/search", *form(pictures[0]))
    time.sleep(1.5)  # readiness is asked for anew after a second
    answers = _asked(service, pictures, ids)
    if fault == "full":
        (mount / "filler").unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
    time.sleep(1.5)
    after = {name: status for name, (status, _) in _asked(service, pictures, ids).items()}
    service.end()
    _, sound = in_a_child(_looked_at, place.gallery)
    return {
        "meanwhile": {name: status for name, (status, _) in answers.items()},
        "said": {name: json.loads(body)["problem"] for name, (status, body) in answers.items() if status == 507},
        "answers that name a place": sum(
            str(folder).encode() in body or b"Traceback" in body for _, body in answers.values()
        ),
        "afterwards": after,
        "gallery sound": sound,
        "log unbroken": not check_audit(place.audit).breaks,
    }


def _asked(service: Service, pictures: list[bytes], ids: list[str]) -> dict[str, tuple[int, bytes]]:
    return {
        "enrol": service("POST", "/v1/entries", *form(pictures[9])),
        "search": service("POST", "/v1/search", *form(pictures[0])),
        "entry": service("GET", f"/v1/entries/{ids[1]}"),
        "delete": service("DELETE", f"/v1/entries/{ids[0]}"),
        "readyz": service("GET", "/readyz"),
    }


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(2**12)):
                pass
        except OSError:
            return  # full


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kill", "disk"])
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--size", default="64m", help="of the small disks")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = kill(arguments.rounds, arguments.seed) if arguments.what == "kill" else disk(arguments.size)
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
