import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.retrieval import Projection, distances, evaluate, fit_projection


def features(n, *shape, seed=0):
    """Rows that vary much in few directions, as descriptors do."""
    generator = torch.Generator().manual_seed(seed)
    d = shape[-1]
    scales = torch.arange(1, d + 1, dtype=torch.float32).reciprocal()
    return torch.randn(n, *shape, generator=generator) * scales + 0.3


def svd_loop(x, dim):
    """Principal directions and variances by the definition, one vector after the other, in float64."""
    x = x.double() - x.double().mean(0)
    directions, variances = [], []
    for _ in range(dim):
        v = torch.ones(x.shape[1], dtype=torch.float64)
        for _ in range(500):  # power iteration
            v = x.T @ (x @ v)
            v = v / v.norm()
        projected = x @ v
        directions.append(v)
        variances.append(float(projected @ projected) / (len(x) - 1))
        x = x - projected[:, None] * v
    return torch.stack(directions, 1), torch.tensor(variances, dtype=torch.float64)


@pytest.mark.parametrize(("n", "d"), [(40, 7), (9, 20)])  # more images than dimensions, and fewer
def test_equals_power_iteration(n, d):
    x = features(n, d)
    learned = fit_projection(Descriptors(x), "euclidean", 3)
    directions, variances = svd_loop(x, 3)
    torch.testing.assert_close(learned.components[0].double().abs(), directions.abs(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(learned.mean[0].double(), x.double().mean(0), rtol=1e-5, atol=1e-6)
    total = x.double().var(0).sum()
    assert learned.kept == pytest.approx(float(variances.sum() / total), rel=1e-6)
    short = learned.apply(Descriptors(x)).features[:, 0]
    torch.testing.assert_close(short.double().var(0), variances, rtol=1e-4, atol=1e-6)
    expected = (x.double() - x.double().mean(0)) @ learned.components[0].double()
    torch.testing.assert_close(short.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("whiten", [0.0, 0.5, 1.0])
def test_whitening_divides_by_the_deviation_to_its_power(whiten):
    x = features(60, 12)
    plain, white = (fit_projection(Descriptors(x), "euclidean", 5, w).apply(Descriptors(x)) for w in (0.0, whiten))
    variances = plain.features[:, 0].var(0)
    torch.testing.assert_close(white.features[:, 0].var(0), variances ** (1 - whiten), rtol=1e-3, atol=1e-5)


def test_all_directions_keep_every_euclidean_distance():
    train, query, gallery = (Descriptors(features(n, 6, seed=n)) for n in (30, 5, 11))
    learned = fit_projection(train, "euclidean", 6)
    assert learned.kept == pytest.approx(1.0)
    before = distances(query, gallery, "euclidean")
    torch.testing.assert_close(distances(learned.apply(query), learned.apply(gallery), "euclidean"), before)


def test_cosine_descriptors_are_normalised_before_and_their_length_does_not_matter():
    train, x = Descriptors(features(30, 8)), features(5, 8, seed=1)
    learned = fit_projection(train, "cosine", 4)
    longer = fit_projection(Descriptors(train.features * torch.rand(30, 1, 1).add(0.5)), "cosine", 4)
    torch.testing.assert_close(learned.components, longer.components, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(learned.apply(Descriptors(x)).features, learned.apply(Descriptors(3 * x)).features)
    expected = (normalize(x, dim=1) - normalize(train.features[:, 0], dim=1).mean(0)) @ learned.components[0]
    torch.testing.assert_close(learned.apply(Descriptors(x)).features[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_parts_of_a_whole_feature_are_one():
    x = features(30, 3, 4)
    short = fit_projection(Descriptors(x), "cosine", 5).apply(Descriptors(x))
    flat = fit_projection(Descriptors(x.flatten(1)), "cosine", 5).apply(Descriptors(x.flatten(1)))
    assert short.features.shape == (30, 1, 5) and short.visibility.all()
    torch.testing.assert_close(short.features, flat.features)


def test_visible_parts_are_learned_each_alone_on_the_images_that_show_them():
    x, visible = features(40, 2, 6), torch.ones(40, 2, dtype=torch.bool)
    visible[:15, 1] = False
    hidden = x.clone()
    hidden[:15, 1] = 100.0
    learned = fit_projection(Descriptors(hidden, visible), "visible_parts", 3)
    alone = fit_projection(Descriptors(x[15:, 1]), "cosine", 3)
    torch.testing.assert_close(learned.components[1], alone.components[0], rtol=1e-4, atol=1e-5)
    short = learned.apply(Descriptors(hidden, visible))
    assert short.features.shape == (40, 2, 3) and torch.equal(short.visibility, visible)


def test_ids_stay_and_few_directions_still_find_persons():
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(20, 50, generator=generator)
    pids = torch.arange(20).repeat(4)
    whole = Descriptors(centres[pids] + 0.3 * torch.randn(80, 50, generator=generator), pids=pids)
    learned = fit_projection(Descriptors(torch.randn(200, 50, generator=generator)), "cosine", 25)
    short = learned.apply(whole)
    assert torch.equal(short.pids, pids)
    assert evaluate(short[:20], short[20:], "cosine", "keep").mean_ap > 0.95


def test_the_same_images_in_another_order_give_the_same_projection():
    x = features(30, 8)
    one, other = (fit_projection(Descriptors(rows), "cosine", 4) for rows in (x, x[torch.randperm(30)]))
    torch.testing.assert_close(one.components, other.components, rtol=1e-4, atol=1e-5)


def test_a_projection_survives_the_disk(tmp_path):
    learned = fit_projection(Descriptors(features(30, 8)), "cosine", 4, 0.5)
    learned.save(tmp_path / "p.safetensors")
    loaded = Projection.load(tmp_path / "p.safetensors")
    assert torch.equal(loaded.mean, learned.mean) and torch.equal(loaded.components, learned.components)
    for name in ("metric", "whiten", "kept", "images"):
        assert getattr(loaded, name) == getattr(learned, name)


def test_mistakes_are_named(tmp_path):
    train = Descriptors(features(10, 8))
    with pytest.raises(UserError, match=r"10 training images of 8 dimensions cannot give 9") as caught:
        fit_projection(train, "cosine", 9)
    assert "1 to 8" in caught.value.hint
    with pytest.raises(UserError, match="cannot give 10 components"):
        fit_projection(Descriptors(features(10, 50)), "cosine", 10)
    with pytest.raises(UserError, match=r"whiten is 1\.5"):
        fit_projection(train, "cosine", 2, 1.5)
    with pytest.raises(UserError, match="no metric 'cosin'"):
        fit_projection(train, "cosin", 2)
    with pytest.raises(UserError, match="NaN"):
        fit_projection(Descriptors(torch.full((4, 3), torch.nan)), "cosine", 2)
    with pytest.raises(UserError, match="1 × 9 numbers do not fit a projection of 1 × 8"):
        fit_projection(train, "cosine", 2).apply(Descriptors(features(3, 9)))
    with pytest.raises(UserError, match="cannot read the projection"):
        Projection.load(tmp_path / "nowhere.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="holds no projection"):
        Projection.load(tmp_path / "other.safetensors")
