import pytest

pytest.importorskip("lancedb")


def test_a_gallery_that_is_not_sound_gives_exit_code_1(gallery_cli, door, monkeypatch):
    from occreid.gallery import Gallery, VerifyReport

    monkeypatch.setattr(Gallery, "verify", lambda self: VerifyReport(3, ("the id x occurs twice",)))
    text = gallery_cli("gallery", "verify", door[0], code=1)
    assert "the id x occurs twice" in text and "NOT sound" in text
