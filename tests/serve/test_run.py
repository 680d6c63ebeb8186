import threading

import pytest

from occreid.errors import UserError
from occreid.gallery import Gallery, create_gallery, manifest_of
from occreid.models import load_model, read_card
from occreid.retrieval.calibration import Calibration
from occreid.serve.keys import KeyRing
from occreid.serve.run import Address, bind, open_service, run
from occreid.serve.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_needs_no_word(host):
    Address(host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "camera.example", ""])
def test_a_network_needs_a_proxy_with_tls(host):
    with pytest.raises(UserError, match="--behind-proxy"):
        Address(host).check()
    Address(host, behind_proxy=True).check()


def test_a_gallery_is_made_and_opened_again(run_folder, tmp_path):
    for _ in range(2):
        service = open_service(run_folder, str(tmp_path / "g"), tmp_path / "a.jsonl", settings=Settings(max_k=7))
        assert service.gallery.manifest.weights_hash == service.engine.weights_hash and service.settings.max_k == 7
        assert (service.gallery.manifest.dim, service.gallery.manifest.parts) == (512, 1)
        service.close()


def test_the_detectors_limits_reach_it(run_folder, tmp_path, monkeypatch):
    from occreid.serve import run as run_module

    seen = {}
    monkeypatch.setattr(run_module, "open_boxes", lambda *words, **more: lambda frame: [])
    monkeypatch.setattr(run_module, "Proposer", lambda boxes, **limits: seen.update(limits))
    settings = Settings(max_scenes=2, scene_seconds=5.0)
    open_service(run_folder, str(tmp_path / "g"), tmp_path / "a.jsonl", settings=settings, detector="own:boxes")
    assert seen == {"waiting": 2, "seconds": 5.0}


def test_a_gallery_of_other_weights_is_refused(run_folder, tmp_path):
    Gallery.create(str(tmp_path / "g"), dim=512, parts=1, metric="cosine", weights_hash="f" * 64)
    with pytest.raises(UserError, match="other weights"):
        open_service(run_folder, str(tmp_path / "g"), tmp_path / "a.jsonl")


def test_a_folder_that_is_no_gallery_is_left_alone(run_folder, tmp_path):
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="not a gallery"):
        open_service(run_folder, str(tmp_path / "g"), tmp_path / "a.jsonl")


def test_a_calibration_of_other_weights_is_refused(run_folder, tmp_path):
    Calibration(1.0, 1.0, "cosine", "f" * 64, 0.5, "", {}, {}).save(tmp_path / "c.json")
    with pytest.raises(UserError, match="another model"):
        open_service(run_folder, str(tmp_path / "g"), tmp_path / "a.jsonl", calibration=tmp_path / "c.json")


def test_the_cards_curve_is_for_descriptors_as_it_was_fitted_on(tmp_path):
    service = open_service("occreid-lite", str(tmp_path / "plain"), tmp_path / "a.jsonl")
    assert service.calibration is not None and service.calibration.probability(0.1) > 0.99
    service.close()
    model = load_model("occreid-lite")
    model.flip_test = True
    create_gallery(str(tmp_path / "mirrored"), manifest_of(model, read_card("occreid-lite"))).close()
    service = open_service("occreid-lite", str(tmp_path / "mirrored"), tmp_path / "b.jsonl")
    assert service.calibration is None
    service.close()


def test_nothing_listens_without_keys_or_behind_a_wrong_address(make_service, tmp_path):
    with pytest.raises(UserError, match="occreid serve keys add"), bind(Address(port=0)) as place:
        run(make_service(), KeyRing(tmp_path / "no.json"), Address(), place)
    with pytest.raises(UserError, match="can be reached from other machines"):
        bind(Address("0.0.0.0"))


def test_memory_is_taken_before_the_first_request_and_given_back_meanwhile(make_service, tokens, tmp_path, monkeypatch):
    service, seen = make_service(Settings(max_batch=3)), []
    describe, given = type(service.engine).describe, threading.Event()
    monkeypatch.setattr(
        type(service.engine), "describe", lambda engine, images: (seen.append(len(images)), describe(engine, images))[1]
    )
    monkeypatch.setattr("occreid.serve.memory.give_back", given.set)
    monkeypatch.setattr("occreid.serve.memory.settle", lambda: seen.append("settled"))
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: seen.append(("served", given.wait(10))))
    with bind(Address(port=0)) as place:
        run(service, KeyRing(tmp_path / "keys.json"), Address(), place)
    assert seen == [3, "settled", ("served", True)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_is_taken_before_anything_is_announced_and_only_once(host):
    with bind(Address(host, 0)) as place:
        port = place.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot listen on {host}:{port} .*in use"):
            bind(Address(host, port))
    bind(Address(host, port)).close()


def test_a_host_of_another_machine_is_named():
    with pytest.raises(UserError, match=r"cannot listen on 192.0.2.1:0"):
        bind(Address("192.0.2.1", 0, behind_proxy=True))


def test_a_certificate_opens_other_addresses(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        Address("0.0.0.0", tls_cert=tmp_path / "chain.pem").check()
    (tmp_path / "chain.pem").touch()
    Address("0.0.0.0", tls_cert=tmp_path / "chain.pem").check()
