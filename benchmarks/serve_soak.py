"""A soak of the service: `python benchmarks/serve_soak.py --requests 20000 > soak.json`.

Twenty-four clients of one key send a mix of valid, broken and crafted requests; beside them other connections idle,
dribble their heads or bodies, or break off. All the while the holder of another key, which reaches one tag only, makes
requests one after the other: each must be answered with 200 and show nothing but that tag's entries. Memory is
read after each twentieth.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

from occreid.serve.keys import add_key
from occreid.serve.scope import Scope
from occreid.serve.trail import check_audit
from serve import Request, Server, form, make_picture

TAG = "quiet"
ROUNDS = 20
_FAULT = re.compile(r"\w*(Error|Exception)|request \w+|Trace")


# ---- what is sent


def png(width: int, height: int, *, depth: int = 8, before: bytes = b"") -> bytes:
    """A blank PNG of any size in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((1 + (width * depth + 7) // 8) * height), 9) if width * height < 2e7 else b""
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bmp(side: int) -> bytes:
    """A few bytes of BMP that claim a huge picture."""
    header = (54).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    return b"BM" + header + side.to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(26, "little")


def many_segments(jpeg: bytes, count: int) -> bytes:
    """A JPEG with so many comments in front."""
    return jpeg[:2] + b"\xff\xfe\x00\x04no" * count + jpeg[2:]


def multipart(body: bytes, charset: str) -> tuple[bytes, str]:
    return body, f"multipart/form-data; boundary=b; charset={charset}"


class Crafted:
    """Draws requests.

    Args:
        generator: what is drawn by.
        pictures: encoded, some JPEG, some PNG.
        ids: of entries that were enrolled.
    """

    def __init__(self, generator: random.Random, pictures: list[bytes], ids: list[str]) -> None:
        self.generator, self.pictures, self.ids = generator, pictures, ids
        text = struct.pack(">I", 0) + b"tEXt" + struct.pack(">I", zlib.crc32(b"tEXt"))
        self.bombs = [
            png(20_000, 50),
            png(50, 20_000),
            png(200_000, 8),
            png(9_999, 1_601),
            png(60_000, 264, depth=1),
            png(64, 64, depth=16),
            png(64, 64, before=text * 2_000),
            many_segments(next(p for p in pictures if p[:2] == b"\xff\xd8"), 5_000),
            *(bmp(side) for side in (5_000, 60_000, 2**31 - 1)),
        ]

    def draw(self) -> Request:
        """One request: about half make sense, the others are broken in every layer."""
        kinds = [*self._sensible(), *self._broken(), *self._crafted()]
        return self.generator.choices([request for _, request in kinds], [weight for weight, _ in kinds])[0]

    def _sensible(self) -> Iterator[tuple[float, Request]]:
        picture, entry = self.generator.choice(self.pictures), self.generator.choice(self.ids)
        camera = self.generator.choice(["0", "1", "hall", "北门"])
        yield 30, ("POST", "/v1/search", *form(picture, k="5"), None)
        yield 4, ("POST", "/v1/search", *form(picture, k="20", camids=camera, pictures="true"), None)
        yield 8, ("POST", "/v1/entries", *form(picture, camid=camera, tags=camera), None)
        yield 3, ("POST", "/v1/explain", *form(picture), None)
        yield 3, ("GET", f"/v1/entries?limit=20&cursor={entry}", None, None, None)
        yield 3, ("GET", f"/v1/entries/{entry}", None, None, None)
        yield 2, ("GET", f"/v1/entries/{entry}/picture", None, None, None)
        yield 1, ("DELETE", f"/v1/entries/{entry}", None, None, None)
        yield 0.3, ("DELETE", f"/v1/entries?tags={self.generator.choice(['0', '1', 'hall'])}", None, None, None)
        yield 2, ("GET", "/metrics", None, None, None)
        yield 1, ("GET", "/v1/about", None, None, None)

    def _broken(self) -> Iterator[tuple[float, Request]]:
        draw = self.generator
        picture, noise = draw.choice(self.pictures), draw.randbytes(draw.choice([0, 1, 10, 1000, 100_000]))
        flipped = bytearray(picture)
        for _ in range(draw.randrange(1, 8)):
            flipped[draw.randrange(len(flipped))] ^= draw.randrange(1, 256)
        word = draw.choice(["", "0", "-1", "9" * 40, "nan", "x", "'; --", "\0", "ü", "1,2,3,4", "0,0,32,64"])
        field = draw.choice(["k", "box", "camids", "start", "end", "tags", "exclude_camid", "exact", "other"])
        strange = draw.choice(["x", "%00", "..%2f", "%ff", "a" * 300, "a/b", "%2e%2e/%2e%2e"])
        kind = "multipart/form-data; boundary=b"
        yield 8, ("POST", "/v1/search", *form(picture, **{field: word}), None)
        yield 4, ("POST", "/v1/entries", *form(picture, **{field: word, "camid": word, "timestamp": word}), None)
        yield 8, ("POST", "/v1/search", *form(bytes(flipped)), None)
        yield 4, ("POST", "/v1/embed", *form(noise), None)
        yield 4, ("POST", "/v1/embed", *form(picture[: draw.randrange(len(picture))]), None)
        yield 3, ("POST", "/v1/search", noise, kind, None)
        yield 3, ("POST", "/v1/search", form(picture)[0][: draw.randrange(200)], kind, None)
        yield 3, ("POST", "/v1/marks", noise, "application/json", None)
        yield 3, ("POST", "/v1/search", *form(picture), draw.choice(["occ_00000000_wrong", "x", "occ__"]))
        yield 3, (draw.choice(["GET", "DELETE"]), f"/v1/entries/{strange}", None, None, None)
        yield (
            1,
            ("GET", f"/v1/entries?cursor={strange}&limit={draw.choice(['0', '-1', 'x', '99999'])}", None, None, None),
        )
        yield 1, ("DELETE", "/v1/entries?before=nan&camid=x", None, None, None)
        yield 1, (draw.choice(["PUT", "PATCH", "OPTIONS", "HEAD"]), "/v1/search", None, None, None)

    def _crafted(self) -> Iterator[tuple[float, Request]]:
        draw = self.generator
        picture, bomb = draw.choice(self.pictures), draw.choice(self.bombs)
        moment = draw.choice(["1e12", "1e300", "-1", "20260301", "1763730000000", "inf", "1e-320"])
        box = draw.choice([" " * 100_000, "0,0,1,96", "0,0,9e9,1", "-1,-1,5,5", "0,0,0,0", "1,2,3,+utf-7-"])
        name = draw.choice(["=1+1", "\u202eabc", "x" * 2_000, "a\nb", "🙂"])
        address = draw.choice(["/v1/search", "/v1/explain", "/v1/entries", "/v1/embed"])
        body = form(picture)[0]
        yield 6, ("POST", address, *form(bomb), None)
        yield 3, ("POST", "/v1/search", *multipart(body, draw.choice(["punycode", "idna", "utf-7", "utf-16"])), None)
        yield 3, ("POST", "/v1/entries", *form(picture, timestamp=moment), None)
        yield 3, ("POST", "/v1/search", *form(picture, box=box), None)
        yield 3, ("POST", "/v1/entries", *form(picture, camid=name, tags=name, pid=name), None)
        yield 1, ("POST", "/v1/search", *form(picture, **{f"field{n}": "x" for n in range(2_000)}), None)
        yield 1, ("POST", "/v1/marks", b"[" * 100_000, "application/json", None)
        yield 1, ("POST", "/v1/embed", *form(bytes(11 * 2**20)), None)


# ---- connections that are no requests


class Idlers:
    """Connections that say nothing, too little, or break off; renewed as the server closes them.

    Args:
        port: the server's.
        token: a key for the slow bodies.
        count: how many idle at a time, more than the server keeps.
    """

    def __init__(self, port: int, token: str, count: int) -> None:
        self._place = ("127.0.0.1", port)
        self._token = token
        self._count = count
        self._ended = threading.Event()
        self.opened: Counter[str] = Counter()
        self._threads = [threading.Thread(target=work) for work in (self._idle, self._slow, self._slow, self._torn)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close them all."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _connect(self, kind: str) -> socket.socket:
        self.opened[kind] += 1
        return socket.create_connection(self._place, timeout=30)

    def _idle(self) -> None:
        held: list[socket.socket] = []
        while not self._ended.wait(0.05):
            try:
                held.append(self._connect("idle"))
            except OSError:
                continue
            if len(held) > self._count:
                held.pop(0).close()
        for one in held:
            one.close()

    def _slow(self) -> None:
        head = f"POST /v1/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n"
        body = head + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n"
        while not self._ended.is_set():
            for kind, text in (("slow head", head), ("slow body", body + "x" * 40)):
                try:
                    with self._connect(kind) as place:
                        place.sendall(text[:-40].encode())
                        for letter in text[-40:]:
                            if self._ended.wait(0.5):
                                return
                            place.sendall(letter.encode())
                except OSError:
                    continue

    def _torn(self) -> None:
        draw = random.Random(1)
        words = [
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET /v1/about HTTP/1.1\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
            b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            f"GET /v1/about HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode(),
        ]
        while not self._ended.wait(0.2):
            try:
                with self._connect("torn") as place:
                    place.sendall(draw.choice(words))
                    if draw.random() < 0.5:
                        place.recv(1000)
            except OSError:
                continue


class Quiet:
    """The holder of another key: valid requests one after the other, none of which may be refused.

    Args:
        server: asked.
        token: of a key that reaches entries tagged `TAG` only.
        pictures: of its own.
    """

    def __init__(self, server: Server, token: str, pictures: list[bytes]) -> None:
        self._server, self._token, self._pictures = server, token, pictures
        self._ended = threading.Event()
        self.answers: Counter[int] = Counter()
        self.strangers = 0
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        """End after the request in hand."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        number = 0
        while not self._ended.is_set():
            picture = self._pictures[number % len(self._pictures)]
            number += 1
            for method, path, body in (
                ("POST", "/v1/entries", form(picture, tags=TAG)),
                ("POST", "/v1/search", form(picture, k="10")),
                ("GET", "/v1/entries?limit=10", (None, None)),
                ("GET", "/v1/about", (None, None)),
            ):
                status, answer, seconds = self._server((method, path, *body, self._token))
                self.answers[status] += 1
                self.times.append(seconds)
                shown = json.loads(answer)
                for entry in shown.get("hits", shown.get("entries", [])) if path[:9] != "/v1/about" else []:
                    self.strangers += TAG not in entry["tags"]


def persistent(server: Server, request: Request) -> tuple[int, int, bytes]:
    """How often a request was refused because the service was busy, and its answer in the end."""
    for times in range(1000):
        try:
            status, body, _ = server(request)
        except (HTTPException, OSError):  # the connection was broken off, as a body too large may be
            return times, 0, b""
        if status != 429:
            break
        time.sleep(0.05 + 0.05 * min(times, 10))
    return times, status, body


def soak(requests: int, seed: int, seconds: float) -> dict[str, object]:
    """Requests in rounds, until all are made or the time is over; the memory is read after each."""
    generator = random.Random(seed)
    pictures = [make_picture(number, kind=kind) for number in range(60) for kind in (".jpg", ".png")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder, "--concurrency", "16", "--limit", "audit_bytes=2000000")
        token = add_key(folder / "keys.json", "quiet", ["search", "enrol"], scope=Scope(tags=(TAG,)))[1]
        ids = [json.loads(server(("POST", "/v1/entries", *form(p), None))[1])["id"] for p in pictures[:40]]
        crafted = Crafted(generator, pictures, ids)
        statuses: Counter[int] = Counter()
        faults: Counter[str] = Counter()
        refused, resident, traced, start = 0, [server.resident()], 0, time.perf_counter()
        idlers = Idlers(server.port, server.token, 600)
        quiet = Quiet(server, token, [make_picture(1000 + number) for number in range(20)])
        with ThreadPoolExecutor(24) as pool:  # more than the sixteen that are let in
            for _ in range(ROUNDS):
                if time.perf_counter() - start > seconds:
                    break
                drawn = [crafted.draw() for _ in range(requests // ROUNDS)]
                for request, (times, status, body) in zip(
                    drawn, pool.map(lambda request: persistent(server, request), drawn), strict=True
                ):
                    refused += times
                    statuses[status] += 1
                    traced += b"Traceback" in body
                    if status >= 500:
                        faults[f"{status} {request[0]} {request[1][:30]} {body[:80]!r}"] += 1
                resident.append(server.resident())
                print(f"{sum(statuses.values())} {resident[-1]:.0f} MiB", file=sys.stderr, flush=True)
        quiet.stop()
        idlers.stop()
        took = time.perf_counter() - start
        health = server(("GET", "/health", None, None, None))[0]
        audit = check_audit(folder / "audit.jsonl")
        code = server.stop()
        log = server.log.read_text().splitlines()
    times = sorted(quiet.times)
    return {
        "requests": sum(statuses.values()),
        "seconds": round(took, 1),
        "statuses": dict(sorted(statuses.items())),
        "5xx": dict(faults),
        "tracebacks sent": traced,
        "refused with 429 and asked again": refused,
        "connections beside": dict(idlers.opened),
        "the other key": dict(quiet.answers),
        "entries out of its scope": quiet.strangers,
        "its seconds, median and worst": [round(times[len(times) // 2], 2), round(times[-1], 2)],
        "faults logged": dict(Counter(line[:160] for line in log if _FAULT.match(line))),
        "server MiB after each twentieth": [round(value) for value in resident],
        "growth": round(max(resident) / resident[0] - 1, 3),
        "audit log": {"files": len(audit.files), "lines": audit.lines, "breaks": audit.breaks},
        "health afterwards": health,
        "exit code": code,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=600, help="begin no further twentieth after so many")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(json.dumps(soak(arguments.requests, arguments.seed, 60 * arguments.minutes), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
