import pytest

pytest.importorskip("lancedb")


def test_an_index_says_what_it_finds(gallery_cli, door, monkeypatch):
    from occreid.gallery import Gallery

    built = {}
    monkeypatch.setattr(Gallery, "build_index", lambda self, **options: built.update(options))
    monkeypatch.setattr(Gallery, "recall", lambda self, k, queries: 0.875)
    assert "IVF_FLAT finds 87.5% of the 5 nearest" in gallery_cli(
        "gallery", "index", door[0], "--kind", "IVF_FLAT", "--partitions", 4, "--recall-at", 5
    )
    assert built == {"kind": "IVF_FLAT", "partitions": 4, "sub_vectors": None}
