"""A service over a small network and a real gallery on disk, and the pictures it is asked about."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from occreid.gallery import Gallery
from occreid.models import create_model, load_model, read_card, save_model
from occreid.serve.app import create_app
from occreid.serve.audit import AuditLog
from occreid.serve.engine import Engine
from occreid.serve.keys import KeyRing, add_key
from occreid.serve.service import Service
from occreid.serve.settings import Settings

FAST = {"rate": 1e6, "burst": 10**6}


def make_picture(seed=0, height=96, width=48, kind=".png"):
    """Bytes of a picture: a person-like stack of coloured bands, other ones for each seed."""
    generator = np.random.default_rng(seed)
    bands = generator.integers(0, 256, (6, 2, 3)).astype(np.uint8)
    pixels = cv2.resize(bands, (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(kind, pixels)[1].tobytes()


@pytest.fixture(scope="session")
def picture():
    """Make the bytes of a picture."""
    return make_picture


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A ResNet-18 for 64 × 32 pixels, untrained: what it says is arbitrary, but always the same."""
    torch.manual_seed(0)
    model = create_model("baseline", 4, backbone="resnet18", pretrained="none")
    model.input_size = (64, 32)
    folder = tmp_path_factory.mktemp("serve") / "run"
    save_model(model, folder)
    return folder


@pytest.fixture(scope="session")
def engine(run_folder):
    return Engine(load_model(run_folder), "baseline", read_card(run_folder)["sha256"], torch.device("cpu"))


@pytest.fixture(scope="session")
def parts_engine():
    """Describes four stripes, and shows where it looked; see `parts_method`."""
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        model = create_model("parts_method:Parts", 4)
    finally:
        sys.path.pop(0)
    return Engine(model, "parts", "p" * 64, torch.device("cpu"))


@pytest.fixture
def make_service(engine, tmp_path):
    """Build services with other settings; all are closed in the end."""
    made = []

    def make(settings=None, calibration=None, engine=engine, where="gallery"):
        parts, dim = engine.shape
        facts = {"metric": engine.model.metric, "weights_hash": engine.weights_hash, "model_name": engine.name}
        folder = tmp_path / where
        gallery = (
            Gallery.open(str(folder), weights_hash=engine.weights_hash)
            if folder.exists()
            else Gallery.create(str(folder), dim=dim, parts=parts, **facts)
        )
        service = Service(
            engine, gallery, AuditLog(tmp_path / "audit.jsonl"), settings or Settings(**FAST), calibration
        )
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def tokens(tmp_path):
    """One key of each role, and one that may search and enrol."""
    roles = {"search": ["search"], "enrol": ["enrol"], "admin": ["admin"], "monitor": ["monitor"]}
    return {name: add_key(tmp_path / "keys.json", name, held)[1] for name, held in roles.items()}


class Api:
    """Short words for requests, as the holder of a role."""

    def __init__(self, client, tokens):
        self.client = client
        self.tokens = tokens

    def __call__(self, method, path, role="admin", **request):
        headers = {"Authorization": f"Bearer {self.tokens[role]}", **request.pop("headers", {})} if role else {}
        return self.client.request(method, path, headers=headers, **request)

    def search(self, picture, role="search", files=None, **fields):
        return self("POST", "/v1/search", role, files={"picture": picture, **(files or {})}, data=fields)

    def enrol(self, picture, role="enrol", **fields):
        return self("POST", "/v1/entries", role, files={"picture": picture}, data=fields)


@pytest.fixture
def make_api(make_service, tokens, tmp_path):
    clients = []

    def make(settings=None, calibration=None, **more):
        service = make_service(settings, calibration, **more)
        client = TestClient(create_app(service, KeyRing(tmp_path / "keys.json")), raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        api = Api(client, tokens)
        api.service = service
        return api

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def api(make_api):
    return make_api()
