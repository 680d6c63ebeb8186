import numpy as np
import pytest

from occreid.synth.people.mesh import Material, Piece, blob, join
from occreid.synth.people.posing import vertex_normals


def _blob(x: float = 0.0, square: float = 1.0) -> Piece:
    return blob(np.array([x, 0.0, 0.0]), (0.2, 0.1, 0.3), np.array([0.0, 1.0]), Material.BAG, square=square)


def test_a_blob_has_the_size_asked_for():
    piece = _blob(1.0)
    np.testing.assert_allclose(piece.vertices.max(0), [1.2, 0.1, 0.3], atol=0.02)
    np.testing.assert_allclose(piece.vertices.min(0), [0.8, -0.1, -0.3], atol=0.02)


def test_a_blob_looks_outward():
    piece = _blob()
    normals = vertex_normals(piece.vertices, piece.faces)
    assert ((normals * piece.vertices).sum(1) > -1e-6).all()


def test_a_square_blob_fills_more_of_its_box():
    volume = [np.abs(_blob(square=s).vertices / (0.2, 0.1, 0.3)).sum(1).mean() for s in (1.0, 0.4)]
    assert volume[1] > volume[0]


def test_join_keeps_every_face_on_its_own_vertices():
    a, b = _blob(0.0), _blob(5.0)
    both = join([a, b])
    assert len(both.vertices) == len(a.vertices) + len(b.vertices)
    np.testing.assert_array_equal(both.vertices[both.faces[len(a.faces) :]], b.vertices[b.faces])
    assert (both.material == Material.BAG).all()


def test_compact_drops_unused_vertices_only():
    piece = _blob()
    part = Piece(**{name: getattr(piece, name) for name in Piece.__slots__} | {
        "faces": piece.faces[:5], "material": piece.material[:5], "two_sided": piece.two_sided[:5]})  # fmt: skip
    small = part.compact()
    assert len(small.vertices) == len(np.unique(piece.faces[:5])) < len(piece.vertices)
    np.testing.assert_array_equal(small.vertices[small.faces], piece.vertices[piece.faces[:5]])


@pytest.mark.parametrize("field", ["weights", "place", "arm", "along", "around", "cut"])
def test_every_vertex_has_every_field(field: str):
    piece = _blob()
    assert len(getattr(piece, field)) == len(piece.vertices)
