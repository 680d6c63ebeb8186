import pytest

from occreid.errors import UserError

pytest.importorskip("lancedb")


def test_other_weights_neither_add_nor_search(gallery_cli, door, make_run, crops):
    uri, _ = door
    other = make_run("other", gain=2.0)
    with pytest.raises(UserError, match="other weights"):
        gallery_cli("gallery", "add", uri, "--model", other, "--pictures", crops)
    with pytest.raises(UserError, match="other weights"):
        gallery_cli("search", uri, sorted(crops.iterdir())[0], "--model", other)
