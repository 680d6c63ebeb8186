"""What the service does under load, on loopback: `python benchmarks/serve.py batching|load`.

``batching``: descriptions per second with and without dynamic batching, interleaved in one process.
``load``: searches per second and their times through HTTP, for several numbers of clients.
The soak is `serve_soak.py`.

The network is a ResNet-18 with random weights: what it says does not matter here, what it costs does.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import local

import cv2
import numpy as np
import torch

from occreid.models import create_model, load_model, save_model
from occreid.serve.batching import Batcher
from occreid.serve.engine import Engine
from occreid.serve.keys import add_key

Request = tuple[str, str, bytes | None, str | None, str | None]


def write_model(folder: Path, height: int, width: int) -> Path:
    torch.manual_seed(0)
    model = create_model("baseline", 4, backbone="resnet18", pretrained="none")
    model.input_size = (height, width)
    save_model(model, folder)
    return folder


def make_picture(seed: int, height: int = 128, width: int = 64, kind: str = ".jpg") -> bytes:
    bands = np.random.default_rng(seed).integers(0, 256, (8, 4, 3)).astype(np.uint8)
    return cv2.imencode(kind, cv2.resize(bands, (width, height)))[1].tobytes()


# ---- batching


def batching(arguments: argparse.Namespace) -> dict[str, object]:
    """Median ratio of throughputs, the two interleaved."""
    with tempfile.TemporaryDirectory() as folder:
        run = write_model(Path(folder), *arguments.size)
        engine = Engine(load_model(run), "baseline", "", torch.device(arguments.device))
    image = torch.zeros(3, *arguments.size, dtype=torch.uint8)
    rows = []
    for clients in arguments.clients:
        ratios, speeds, sizes = [], {1: [], 32: []}, []
        for _ in range(arguments.repeats):
            pair = {}
            for most in (1, 32):
                pair[most] = _describe_all(engine, image, clients, most, sizes if most > 1 else [])
                speeds[most].append(pair[most])
            ratios.append(pair[32] / pair[1])
        rows.append(
            {
                "clients": clients,
                "gain": round(statistics.median(ratios), 2),
                "range": [round(min(ratios), 2), round(max(ratios), 2)],
                "one by one /s": round(statistics.median(speeds[1]), 1),
                "batched /s": round(statistics.median(speeds[32]), 1),
                "mean batch": round(statistics.mean(sizes), 1),
            }
        )
    return {"input": list(arguments.size), "device": arguments.device, "threads": torch.get_num_threads(), "rows": rows}


def _describe_all(engine: Engine, image: torch.Tensor, clients: int, most: int, sizes: list[int]) -> float:
    """Pictures per second of so many clients, each asking again as soon as it is answered."""
    batcher = Batcher(engine.describe, max_batch=most, max_queue=10_000, observe=sizes.append)
    each = max(2, 64 // clients)

    def client(_: int) -> None:
        for _ in range(each):
            batcher.submit(image).result()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))  # warm
        sizes.clear()
        start = time.perf_counter()
        list(pool.map(client, range(clients)))
        seconds = time.perf_counter() - start
    batcher.close()
    return clients * each / seconds


# ---- HTTP


class Server:
    """`occreid serve` in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        write_model(folder / "run", 64, 32)
        self.key, self.token = add_key(folder / "keys.json", "load", ["admin"])
        with socket.socket() as place:
            place.bind(("127.0.0.1", 0))
            self.port = place.getsockname()[1]
        command = [sys.executable, "-m", "occreid", "serve", "--model", str(folder / "run"), "--device", "cpu"]
        command += ["--gallery", str(folder / "gallery"), "--keys", str(folder / "keys.json"), "--port", str(self.port)]
        command += ["--audit", str(folder / "audit.jsonl"), "--rate", "1000000", *options]
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log)
        self.connections = local()
        while True:
            try:
                if self(("GET", "/health", None, None, None))[0] == 200:
                    break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(self.log.read_text())
                time.sleep(0.2)

    def __call__(self, request: Request) -> tuple[int, bytes, float]:
        """Status, body and seconds of a request, on this thread's connection."""
        method, path, body, kind, token = request
        headers = {"Authorization": f"Bearer {token or self.token}", **({"Content-Type": kind} if kind else {})}
        start = time.perf_counter()
        for attempt in (0, 1):
            connection = getattr(self.connections, "held", None)
            fresh = connection is None
            if connection is None:
                connection = self.connections.held = HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read(), time.perf_counter() - start
            except (HTTPException, ConnectionError):
                connection.close()
                self.connections.held = None  # the server may close an idle or refused connection: once more, anew
                if fresh or attempt:
                    raise
        raise AssertionError

    def resident(self) -> float:
        """MiB the server holds."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(60)


def form(picture: bytes, **fields: str) -> tuple[bytes, str]:
    """Body and type of a multipart request."""
    lines = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    head = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="p"\r\n\r\n'
    return b"".join([*lines, head, picture, b"\r\n--b--\r\n"]), "multipart/form-data; boundary=b"


def load(arguments: argparse.Namespace) -> dict[str, object]:
    """Searches through HTTP against a small gallery."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        pictures = [make_picture(seed) for seed in range(100)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda p: server(("POST", "/v1/entries", *form(p), None)), pictures))
        rows = []
        for clients in arguments.clients:
            requests: list[Request] = [("POST", "/v1/search", *form(p), None) for p in pictures] * arguments.repeats
            with ThreadPoolExecutor(clients) as pool:
                list(pool.map(server, requests[:50]))
                start = time.perf_counter()
                answers = list(pool.map(server, requests))
                seconds = time.perf_counter() - start
            times = sorted(took for _, _, took in answers)
            rows.append(
                {
                    "clients": clients,
                    "statuses": dict(Counter(status for status, _, _ in answers)),
                    "searches per second": round(len(answers) / seconds, 1),
                    "p50 ms": round(1000 * times[len(times) // 2], 1),
                    "p99 ms": round(1000 * times[int(0.99 * len(times))], 1),
                }
            )
        server.stop()
    return {"entries": 100, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["batching", "load"])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 32])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=[128, 64], help="height and width the network takes")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    print(json.dumps({"batching": batching, "load": load}[arguments.what](arguments), indent=1))


if __name__ == "__main__":
    main()
