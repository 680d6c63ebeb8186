import json
import math
import stat

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.retrieval.calibration import Calibration, calibrate, check, fit_platt, reliability


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def loss(a, b, genuine, impostor, prior):
    """Platt's weighted log-loss with his smoothed targets, in a loop."""
    n, m = len(genuine), len(impostor)
    total = 0.0
    for distances, target, weight in (
        (genuine, (n + 1) / (n + 2), prior / n),
        (impostor, 1 / (m + 2), (1 - prior) / m),
    ):
        for d in distances:
            p = sigmoid(a - b * d)
            total -= weight * (target * math.log(p) + (1 - target) * math.log(1 - p))
    return total


def drawn(n=400, m=600, apart=1.0, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(1.0, 0.4, n), generator.normal(1.0 + apart, 0.4, m)


@pytest.mark.parametrize("prior", [0.5, 0.01, 0.9])
def test_no_neighbouring_curve_is_likelier(prior):
    genuine, impostor = drawn()
    a, b = fit_platt(genuine, impostor, prior)
    best = loss(a, b, genuine, impostor, prior)
    assert b > 0
    for da, db in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01), (0.01, 0.01), (-0.01, -0.01)):
        assert loss(a + da, b + db, genuine, impostor, prior) > best


def test_the_true_curve_is_found():
    """Pairs drawn from a known logistic curve give its two numbers back."""
    generator = np.random.default_rng(1)
    d = generator.uniform(0, 4, 200_000)
    same = generator.uniform(size=len(d)) < 1 / (1 + np.exp(-(3.0 - 1.5 * d)))
    share = same.mean()
    a, b = fit_platt(d[same], d[~same], float(share))
    assert a == pytest.approx(3.0, abs=0.05) and b == pytest.approx(1.5, abs=0.03)


def test_the_prior_moves_the_intercept_as_bayes_says():
    genuine, impostor = drawn(4000, 4000)
    half, rare = (fit_platt(genuine, impostor, prior) for prior in (0.5, 0.1))
    moved = Calibration(*half, "cosine", "w", 0.5, "", {}, {}).probability(1.5)
    odds = moved / (1 - moved) * (0.1 / 0.9)
    assert Calibration(*rare, "cosine", "w", 0.1, "", {}, {}).probability(1.5) == pytest.approx(
        odds / (1 + odds), abs=0.03
    )


def test_separable_distances_do_not_run_away():
    a, b = fit_platt(np.array([0.1, 0.2, 0.3]), np.array([2.0, 2.1, 2.2]), 0.5)
    assert math.isfinite(a) and 0 < b < 100
    assert sigmoid(a - b * 0.1) > 0.75 and sigmoid(a - b * 2.2) < 0.25


def test_distances_that_speak_against_are_not_believed():
    impostor, genuine = drawn()
    a, b = fit_platt(genuine, impostor, 0.3)
    assert b == 0 and sigmoid(a) == pytest.approx(0.3)


def test_equal_distances_give_the_prior():
    a, b = fit_platt(np.ones(5), np.ones(7), 0.4)
    assert sigmoid(a - b) == pytest.approx(0.4, abs=0.1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), apart=st.floats(0, 3), scale=st.floats(1e-3, 1e3))
def test_a_nearer_pair_is_never_less_probable_and_units_do_not_matter(seed, apart, scale):
    genuine, impostor = drawn(30, 40, apart, seed)
    a, b = fit_platt(genuine, impostor, 0.5)
    a2, b2 = fit_platt(scale * genuine, scale * impostor, 0.5)
    assert b >= 0
    assert sigmoid(a2 - b2 * scale * 1.3) == pytest.approx(sigmoid(a - b * 1.3), abs=1e-4)


def test_reliability_by_hand():
    """a = 0, b = 1: distances 0, −ln 3 and ln 3 are worth 1/2, 3/4 and 1/4."""
    genuine, impostor = np.array([-math.log(3), 0.0]), np.array([math.log(3), 0.0])
    found = reliability(0.0, 1.0, genuine, impostor, 0.5)
    # each of the four pairs weighs a quarter; bins: 0.75 (true 1), 0.5 (true 1/2), 0.25 (true 0)
    assert found["ece"] == pytest.approx(0.25 * 0.25 + 0 + 0.25 * 0.25)
    assert found["brier"] == pytest.approx((0.0625 + 0.25 + 0.0625 + 0.25) / 4)
    assert [(b["said"], b["true"], b["weight"]) for b in found["bins"]] == [
        (0.25, 0.0, 0.25),
        (0.5, 0.5, 0.5),
        (0.75, 1.0, 0.25),
    ]


def test_a_certain_curve_falls_into_the_last_bin():
    found = reliability(0.0, 1.0, np.array([-1e9]), np.array([1e9]), 0.5)
    assert found["ece"] == 0 and found["brier"] == 0 and len(found["bins"]) == 2


def persons(n=24, images=6, spread=0.3, seed=0, parts=1):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(n, 1, parts, 8, generator=generator)
    features = (centres + spread * torch.randn(n, images, parts, 8, generator=generator)).flatten(0, 1)
    pids = torch.arange(n).repeat_interleave(images)
    return Descriptors(features, pids=pids, camids=torch.arange(n * images) % 3)


def test_persons_left_out_of_the_fit_bear_it_out():
    found = calibrate(persons(60, 9, 0.8), "euclidean", weights_hash="w", fitted_on="toy train")
    assert found.slope > 0 and found.held_out["ece"] < 0.1 and found.held_out["brier"] < 0.2
    assert found.pairs["genuine"] == 30 * 27  # nine images by three cameras: 27 of 36 pairs are of two cameras
    assert found.probability(0.0) > 0.9 > found.probability(8.0)
    assert (found.weights_hash, found.metric, found.prior, found.fitted_on) == ("w", "euclidean", 0.5, "toy train")


def test_a_curve_holds_on_like_persons_and_not_on_harder_ones():
    found = calibrate(persons(60, 9, 0.8), "euclidean", weights_hash="w", fitted_on="")
    like, harder = (check(found, persons(60, 9, spread, seed=5)) for spread in (0.8, 1.6))
    assert like["ece"] < 0.1 < harder["ece"] and like["genuine"] == 60 * 27
    with pytest.raises(UserError, match="no person ids"):
        check(found, Descriptors(torch.zeros(4, 3)))


def test_two_runs_agree_and_another_seed_takes_other_persons():
    first, second, third = (
        calibrate(persons(), "cosine", weights_hash="w", fitted_on="", seed=seed, max_pairs=50) for seed in (0, 0, 1)
    )
    assert first == second != third
    assert first.pairs == {"genuine": 50, "impostor": 50}


def test_pairs_without_a_common_part_do_not_count_and_get_no_probability():
    held = persons(parts=2)
    held.visibility[::5] = False
    found = calibrate(held, "visible_parts", weights_hash="w", fitted_on="")
    assert math.isfinite(found.intercept) and found.probability(math.inf) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prior": 0.0}, "prior of 0.0"),
        ({"prior": 1.0}, "prior of 1.0"),
        ({"descriptors": persons(2)}, "more persons"),
        ({"descriptors": Descriptors(torch.zeros(4, 3))}, "no person ids"),
    ],
)
def test_what_cannot_be_fitted_is_named(change, message):
    given_ = {"descriptors": persons(), "metric": "cosine", "weights_hash": "w", "fitted_on": "", **change}
    with pytest.raises(UserError, match=message):
        calibrate(given_.pop("descriptors"), given_.pop("metric"), **given_)


@pytest.fixture
def saved(tmp_path):
    found = calibrate(persons(), "cosine", weights_hash="w", fitted_on="toy")
    found.save(tmp_path / "c.json")
    return tmp_path / "c.json", found


def test_a_file_comes_back(saved):
    path, found = saved
    assert Calibration.load(path, weights_hash="w", metric="cosine") == found


@pytest.mark.parametrize(
    "asked", [{"weights_hash": "v", "metric": "cosine"}, {"weights_hash": "w", "metric": "euclidean"}]
)
def test_another_models_file_is_refused(saved, asked):
    with pytest.raises(UserError, match="another model"):
        Calibration.load(saved[0], **asked)


@pytest.mark.parametrize(
    "change", [{"slope": -1.0}, {"prior": 0.0}, {"intercept": float("nan")}, {"slope": "x"}, {"extra": 1}]
)
def test_a_file_that_was_tampered_with_is_refused(saved, change):
    path, _ = saved
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError, match=r"damaged|impossible"):
        Calibration.load(path, weights_hash="w", metric="cosine")


def test_files_that_are_not_there(tmp_path, saved):
    with pytest.raises(UserError, match="occreid serve calibrate"):
        Calibration.load(tmp_path / "no.json", weights_hash="w", metric="cosine")
    for damaged in ("[1]", "[" * 100_000):
        (tmp_path / "bad.json").write_text(damaged)
        with pytest.raises(UserError, match="damaged"):
            Calibration.load(tmp_path / "bad.json", weights_hash="w", metric="cosine")
    with pytest.raises(UserError, match="cannot write"):
        saved[1].save(tmp_path / "bad.json" / "c.json")


def test_only_the_owner_can_read_the_file(saved):
    assert stat.S_IMODE(saved[0].stat().st_mode) == 0o600
