"""The service as a process of its own, on loopback: killed, restarted, on a full disk, two on a gallery, and fuzzed."""

import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from occreid.serve.keys import add_key
from occreid.serve.trail import read_audit

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs POSIX signals and limits")


def form(picture, **fields):
    """Body and content type of a multipart request."""
    lines = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    head = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="p.png"\r\n\r\n'
    return b"".join([*lines, head, picture, b"\r\n--b--\r\n"]), "multipart/form-data; boundary=b"


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


class Process:
    """`occreid serve` in a process of its own."""

    def __init__(self, run_folder, tmp_path, token):
        self.port, self.token = free_port(), token
        command = [
            sys.executable,
            "-m",
            "occreid",
            "serve",
            "--model",
            str(run_folder),
            "--gallery",
            str(tmp_path / "g"),
        ]
        command += ["--keys", str(tmp_path / "keys.json"), "--audit", str(tmp_path / "audit.jsonl"), "--device", "cpu"]
        command += ["--port", str(self.port), "--rate", "100000", "--concurrency", "16"]
        self.log = open(tmp_path / f"log{self.port}.txt", "wb")  # noqa: SIM115  # closed with the process
        self.process = subprocess.Popen(command, stderr=self.log, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def wait(self):
        for _ in range(1200):
            try:
                if self("GET", "/health")[0] in (200, 503):
                    return self
            except OSError:
                assert self.process.poll() is None, Path(self.log.name).read_text()
                time.sleep(0.1)
        raise AssertionError("the service did not start")

    def __call__(self, method, path, body=None, kind=None, timeout=60, token=None):
        headers = {"Authorization": f"Bearer {token or self.token}", **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def enrol(self, picture, **fields):
        return self("POST", "/v1/entries", *form(picture, **fields))

    def search(self, picture, **fields):
        return self("POST", "/v1/search", *form(picture, **fields))

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(60)
        self.log.close()
        return code


@pytest.fixture
def start(run_folder, tmp_path):
    _, token = add_key(tmp_path / "keys.json", "all", ["admin"])
    started = []

    def begin():
        started.append(Process(run_folder, tmp_path, token))
        return started[-1]

    yield begin
    for process in started:
        process.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def service(run_folder, tmp_path_factory):
    """One process for the tests that do not kill it; in the end it leaves as it should, and has logged no traceback."""
    folder = tmp_path_factory.mktemp("faults")
    process = Process(run_folder, folder, add_key(folder / "keys.json", "all", ["admin"])[1]).wait()
    yield process
    assert process.stop() in (0, -signal.SIGTERM)
    assert b"Traceback" not in Path(process.log.name).read_bytes()


@pytest.fixture(scope="module")
def pictures(picture):
    return [picture(seed, 64, 32) for seed in range(200)]


def test_two_on_one_gallery_killed_and_restarted_under_load(start, pictures, tmp_path):
    one, other = start(), start()  # both make the gallery: one wins, the other opens it
    acknowledged, statuses, stopped = set(), [], threading.Event()
    for process in (one, other):
        process.wait()

    def work(process, share):
        for picture in share:
            if stopped.is_set():
                return
            try:
                status, body = process.enrol(picture)
            except OSError:
                return  # killed in the middle: nothing was acknowledged
            statuses.append(status)
            if status == 200:
                acknowledged.add(json.loads(body)["id"])

    threads = [threading.Thread(target=work, args=(p, pictures[i::4])) for i, p in enumerate([one, one, other, other])]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 24:
        time.sleep(0.02)
    one.stop(signal.SIGKILL)
    while len(acknowledged) < 40:
        time.sleep(0.02)
    stopped.set()
    for thread in threads:
        thread.join()
    assert other.stop() in (0, -signal.SIGTERM)
    assert set(statuses) == {200}
    again = start().wait()
    for entry_id in sorted(acknowledged)[::5]:
        assert again("GET", f"/v1/entries/{entry_id}")[0] == 200
    entries = json.loads(again("GET", "/v1/about")[1])["entries"]
    assert len(acknowledged) <= entries <= len(acknowledged) + 4  # at most one per client was in the air
    logged = {entry["id"] for entry in read_audit(tmp_path / "audit.jsonl") if entry["action"] == "enrol"}
    assert acknowledged <= logged


def test_a_full_disk_is_an_answer_and_not_the_end(service, pictures):
    def room(size):  # a file may grow no further: what a full disk looks like to whoever writes
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    entry_id = json.loads(service.enrol(pictures[0])[1])["id"]
    room(3 * 1024)  # the log has room for a while, a row of the gallery has not
    status, body = service.enrol(pictures[1])
    assert status == 507 and b"disk" in body and b"Traceback" not in body
    assert service.search(pictures[0])[0] == 200  # reading goes on while the log can be written
    seen = [service.search(pictures[0])[0] for _ in range(12)]
    assert set(seen) == {200, 507} and seen == sorted(seen)  # then nothing is found that is not written down
    assert service("GET", "/v1/about")[0] == 200 and service("GET", f"/v1/entries/{entry_id}")[0] == 200
    room(resource.RLIM_INFINITY)
    assert json.loads(service("GET", "/v1/about")[1])["entries"] == 1
    assert service.enrol(pictures[1])[0] == 200 and service.search(pictures[1])[0] == 200


def fuzzed(generator, pictures):
    """One request, valid or not: (method, path, body, kind, token)."""
    picture = generator.choice(pictures)
    broken = bytearray(picture)
    broken[generator.randrange(len(broken))] ^= 255
    noise = generator.randbytes(generator.choice([0, 1, 100, 5000]))
    fields = {
        "k": generator.choice(["3", "0", "x", "-1", "9" * 30]),
        "box": generator.choice(["", "0,0,20,40", "9,9,9", "\0"]),
    }
    return generator.choice(
        [
            ("POST", "/v1/search", *form(picture), None),
            ("POST", "/v1/search", *form(picture, **fields), None),
            ("POST", "/v1/entries", *form(picture, camid=generator.choice(["1", "a", "99999999999"])), None),
            ("POST", "/v1/search", *form(bytes(broken)), None),
            ("POST", "/v1/embed", *form(noise), None),
            ("POST", "/v1/search", noise, "multipart/form-data; boundary=b", None),
            ("POST", "/v1/marks", noise, "application/json", None),
            ("POST", "/v1/explain", *form(picture), None),
            ("POST", "/v1/search", *form(picture), "occ_00000000_wrong"),
            ("GET", f"/v1/entries/{generator.choice(['x', '%00', '..', 'é'.encode().hex()])}", None, None, None),
            ("DELETE", f"/v1/entries/{generator.randrange(10**6)}", None, None, None),
            ("GET", "/metrics", None, None, None),
        ]
    )


def test_a_mixed_load_ends_in_no_fault(service, pictures):
    generator = random.Random(0)
    requests = [fuzzed(generator, pictures[:20]) for _ in range(300)]
    with ThreadPoolExecutor(24) as pool:  # more than the sixteen that are let in
        answers = list(pool.map(lambda r: service(r[0], r[1], r[2], r[3], token=r[4]), requests))
    busy = [request for request, (status, _) in zip(requests, answers, strict=True) if status == 429]
    answers += [service(r[0], r[1], r[2], r[3], token=r[4]) for r in busy]  # one at a time: which were let in is chance
    statuses = [status for status, _ in answers]
    assert {200, 400, 401, 404, 422} <= set(statuses) and max(statuses) < 500
    assert not any(b"Traceback" in body for _, body in answers)
    assert service("GET", "/health")[0] == 200
