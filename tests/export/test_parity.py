import pytest
import torch

from occreid.errors import UserError
from occreid.export.parity import check_parity

IMAGES = torch.arange(10).view(10, 1, 1, 1).expand(10, 3, 4, 2).to(torch.uint8)


def describe(images):
    """Two parts of three numbers; the second part is hidden in every odd picture."""
    number = images[:, 0, 0, 0].float()
    features = torch.stack([number + 1, number + 2, number + 3], 1)[:, None].repeat(1, 2, 1)
    return features, torch.stack([torch.ones_like(number), number % 2 == 0], 1).bool()


def altered(change):
    def run(images):
        features, visibility = describe(images)
        return change(features.clone(), visibility.clone())

    return run


def test_equal_networks_agree_on_every_batch():
    seen = []

    def watched(images):
        seen.append(images[:, 0, 0, 0].tolist())
        return describe(images)

    parity = check_parity(watched, describe, IMAGES)
    assert [len(batch) for batch in seen] == [1, 2, 7, 32]
    assert [*seen[0], *seen[1], *seen[2]] == list(range(10))
    assert (parity.deviation, parity.images) == (0, 10)
    assert parity.cosine == pytest.approx(1)


def test_the_deviation_is_relative_to_each_descriptors_length():
    def longer(features, visibility):
        features[:, 0] *= 1.0005
        return features, visibility

    assert check_parity(altered(longer), describe, IMAGES).deviation == pytest.approx(0.0005, rel=1e-2)


def test_what_nobody_sees_may_differ():
    def hidden(features, visibility):
        return torch.where(visibility[..., None], features, 7.0), visibility

    assert check_parity(altered(hidden), describe, IMAGES).deviation == 0


def crash(features, visibility):
    raise RuntimeError("Reshape: 7 is not 2\nand so on")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f, v: (f * 1.01, v), "deviates from PyTorch by 0.01 of a descriptor's length at batch size 1"),
        (lambda f, v: (f * torch.nan, v), "deviates from PyTorch by inf"),
        (lambda f, v: (f, ~v), "sees other parts"),
        (lambda f, v: (f[:2], v[:2]), "gives (2, 2, 3) at batch size 7, PyTorch (7, 2, 3)"),
        (lambda f, v: (f, v) if len(f) < 7 else crash(f, v), "fails at batch size 7 (Reshape: 7 is not 2)"),
    ],
)
def test_whatever_differs_is_refused(change, words):
    with pytest.raises(UserError) as caught:
        check_parity(altered(change), describe, IMAGES)
    assert words in str(caught.value)


def test_without_a_tolerance_it_only_measures():
    def turned(features, visibility):
        return features.flip(2), ~visibility

    parity = check_parity(altered(turned), describe, IMAGES, tolerance=None)
    one, other = torch.tensor([1.0, 2, 3]), torch.tensor([3.0, 2, 1])
    assert parity.cosine == pytest.approx(float(one @ other / one.norm() ** 2), abs=1e-6)
