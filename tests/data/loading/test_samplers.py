from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.data.loading.samplers import Draw, PKSampler
from occreid.errors import UserError


def batches(sampler, epoch=0):
    sampler.set_epoch(epoch)
    return list(sampler)


def visits(pids, drawn):
    """The identities of each batch, K images to an identity collapsed to one visit."""
    return [[pids[d.index] for d in batch] for batch in drawn]


@st.composite
def settings_of_a_sampler(draw):
    p, k, world = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(1, 9), min_size=p * world, max_size=p * world + 7))
    pids = [3 * i + 1 for i, size in enumerate(sizes) for _ in range(size)]
    pids = np.random.default_rng(draw(st.integers(0, 9))).permutation(pids).tolist()
    return pids, p, k, world, draw(st.integers(0, 50))


class TestEveryStep:
    @settings(max_examples=60, deadline=None)
    @given(case=settings_of_a_sampler(), epoch=st.integers(0, 5))
    def test_holds_p_different_identities_k_times_on_each_process_and_none_on_two(self, case, epoch):
        pids, p, k, world, seed = case
        ranks = [batches(PKSampler(pids, p, k, seed, rank, world), epoch) for rank in range(world)]
        assert {len(drawn) for drawn in ranks} == {max(1, len(pids) // (p * k * world))}
        for step in zip(*ranks, strict=True):
            together = Counter(pids[draw.index] for batch in step for draw in batch)
            assert len(together) == p * world and set(together.values()) == {k}
            for batch in step:
                assert len({pids[draw.index] for draw in batch}) == p

    @settings(max_examples=40, deadline=None)
    @given(case=settings_of_a_sampler())
    def test_repeats_an_image_only_where_the_identity_has_too_few_and_then_evenly(self, case):
        pids, p, k, world, seed = case
        have = Counter(pids)
        for batch in batches(PKSampler(pids, p, k, seed, world - 1, world)):
            for index, times in Counter(draw.index for draw in batch).items():
                n = have[pids[index]]
                assert times == 1 if n >= k else times in (k // n, -(-k // n))

    def test_images_of_one_identity_stand_together(self):
        pids = np.repeat(np.arange(6), 5).tolist()
        for batch in batches(PKSampler(pids, 3, 4, 0)):
            assert all(len({pids[d.index] for d in batch[i : i + 4]}) == 1 for i in range(0, 12, 4))


class TestBalance:
    @settings(max_examples=30, deadline=None)
    @given(case=settings_of_a_sampler(), epochs=st.integers(1, 6))
    def test_no_identity_is_more_than_one_visit_ahead_of_another(self, case, epochs):
        pids, p, k, world, seed = case
        seen = Counter(dict.fromkeys(pids, 0))
        steps = max(1, len(pids) // (p * k * world))
        drawn = [batches(PKSampler(pids, p, k, seed, rank, world), e) for e in range(epochs) for rank in range(world)]
        for batch in (batch for epoch in drawn for batch in epoch):
            seen.update(pids[d.index] for d in batch)
        counts = np.array(list(seen.values())) // k
        assert counts.max() - counts.min() <= 1
        assert sum(counts) == epochs * steps * p * world

    def test_whole_rounds_visit_every_identity_equally(self):
        pids = np.repeat(np.arange(10), 8).tolist()  # 80 images, 2·4 to a step: 10 steps are 2 rounds
        seen = Counter(pids[d.index] for batch in batches(PKSampler(pids, 2, 4, 3)) for d in batch)
        assert set(seen.values()) == {8}

    @pytest.mark.parametrize("images", [1, 3, 4, 5, 11])
    def test_every_image_is_used_within_one_deck(self, images):
        pids = [0] * images + [1] * 4
        sampler = PKSampler(pids, 2, 4, 0)
        hands = -(-images // 4)
        stream = [
            d.index for epoch in range(20) for batch in batches(sampler, epoch) for d in batch if d.index < images
        ]
        for start in range(0, len(stream) - 4 * hands + 1, 4 * hands):
            assert set(stream[start : start + 4 * hands]) == set(range(images))

    def test_every_image_is_used_about_equally_over_epochs(self):
        pids = np.repeat(np.arange(7), [4, 5, 6, 9, 12, 13, 30]).tolist()
        sampler = PKSampler(pids, 3, 4, 1)
        used = Counter(d.index for epoch in range(300) for batch in batches(sampler, epoch) for d in batch)
        for pid in range(7):
            counts = [used[i] for i, p in enumerate(pids) if p == pid]
            assert min(counts) > 0.75 * np.mean(counts) and max(counts) < 1.25 * np.mean(counts)

    def test_batches_mix_identities_anew(self):
        pids = np.repeat(np.arange(12), 4).tolist()
        sampler = PKSampler(pids, 3, 4, 0)
        groups = {frozenset(pids[d.index] for d in batch) for epoch in range(10) for batch in batches(sampler, epoch)}
        assert len(groups) > 30  # of 40 batches, drawn from 220 possible groups


class TestDeterminism:
    pids = np.repeat(np.arange(11), 5).tolist()

    def test_two_samplers_of_one_seed_agree(self):
        assert batches(PKSampler(self.pids, 3, 2, 7), 4) == batches(PKSampler(self.pids, 3, 2, 7), 4)

    @settings(max_examples=40, deadline=None)
    @given(case=settings_of_a_sampler(), epoch=st.integers(0, 40))
    def test_an_epoch_does_not_depend_on_the_epochs_before(self, case, epoch):
        pids, p, k, world, seed = case
        uninterrupted = PKSampler(pids, p, k, seed, 0, world)
        for earlier in range(epoch):
            batches(uninterrupted, earlier)
        assert batches(uninterrupted, epoch) == batches(PKSampler(pids, p, k, seed, 0, world), epoch)

    def test_identity_order_is_one_stream_across_epochs(self):
        # the order carried along within an epoch and the one computed at the start of the next must be the same
        ids, p = 11, 3
        sampler = PKSampler(self.pids, p, 5, 0)
        order = [v[i] for e in range(40) for v in visits(self.pids, batches(sampler, e)) for i in range(0, 15, 5)]
        for start in range(0, len(order) - ids + 1, ids):
            assert sorted(order[start : start + ids]) == list(range(ids))

    def test_epochs_and_seeds_and_processes_differ(self):
        base = batches(PKSampler(self.pids, 3, 2, 7))
        assert base != batches(PKSampler(self.pids, 3, 2, 7), 1)
        assert base != batches(PKSampler(self.pids, 3, 2, 8))
        assert batches(PKSampler(self.pids, 3, 2, 7, 0, 2)) != batches(PKSampler(self.pids, 3, 2, 7, 1, 2))

    def test_no_two_draws_share_a_seed(self):
        seeds = [
            draw.seed
            for rank in range(2)
            for epoch in range(5)
            for batch in batches(PKSampler(self.pids, 3, 2, 7, rank, 2), epoch)
            for draw in batch
        ]
        assert len(set(seeds)) == len(seeds) and min(seeds) >= 0

    def test_iterating_again_without_set_epoch_repeats_the_epoch(self):
        sampler = PKSampler(self.pids, 3, 2, 7)
        assert list(sampler) == list(sampler)

    def test_images_keep_record_order_before_they_are_shuffled(self):
        pids = np.random.default_rng(0).integers(0, 3, 3000).tolist()  # enough for an unstable sort to show
        assert all((np.diff(images) > 0).all() for images in PKSampler(pids, 3, 2, 0)._images)

    def test_draws_are_plain_numbers_that_travel_to_workers(self):
        draw = batches(PKSampler(self.pids, 3, 2, 7))[0][0]
        assert isinstance(draw, Draw) and type(draw.index) is int and type(draw.seed) is int


class TestBadInput:
    def test_too_few_identities_are_counted_and_the_mend_works(self):
        pids = [1, 1, 2, 2, 3]
        with pytest.raises(
            UserError, match=r"4 identities need 4 identities, the training set has 3\. Set p to 3 or less"
        ):
            PKSampler(pids, 4, 2, 0)
        assert len(PKSampler(pids, 3, 2, 0)) == 1

    def test_every_process_counts(self):
        with pytest.raises(UserError, match=r"2 identities on each of 2 processes need 4 .* has 3\. Set p to 1"):
            PKSampler([1, 2, 3], 2, 2, 0, rank=1, world_size=2)
        with pytest.raises(UserError, match=r"has 3\. Add identities, or use fewer processes"):
            PKSampler([1, 2, 3], 2, 2, 0, rank=1, world_size=4)

    def test_one_identity_is_enough_for_p_1_only(self):
        assert len(PKSampler([5] * 8, 1, 4, 0)) == 2
        with pytest.raises(UserError, match="the training set has 1"):
            PKSampler([5] * 8, 2, 4, 0)

    def test_no_images_at_all(self):
        with pytest.raises(UserError, match=r"has 0\. Add identities"):
            PKSampler([], 2, 4, 0)

    @pytest.mark.parametrize(("p", "k", "seed"), [(0, 4, 0), (2, 0, 0), (2, 4, -1)])
    def test_impossible_numbers(self, p, k, seed):
        with pytest.raises(UserError, match=r"impossible|negative"):
            PKSampler([1, 2, 3], p, k, seed)

    @pytest.mark.parametrize(("rank", "world"), [(2, 2), (-1, 2)])
    def test_a_rank_outside_the_world_is_a_bug(self, rank, world):
        with pytest.raises(ValueError, match="rank"):
            PKSampler([1, 2, 3, 4], 1, 1, 0, rank, world)


def test_an_epoch_may_have_as_many_steps_as_another_sampler_asks_for():
    pids = [0, 1, 2, 3, 4, 5, 6]
    usual, longer = PKSampler(pids, 2, 1, seed=4), PKSampler(pids, 2, 1, seed=4, steps=7)
    assert (len(usual), len(longer)) == (3, 7)
    seven = [[draw.index for draw in batch] for batch in longer]
    assert len(seven) == 7 and sorted(i for batch in seven for i in batch) == sorted([*range(7)] * 2)
    whole = PKSampler(pids, 2, 1, seed=4, steps=14)
    longer.set_epoch(1)  # an epoch goes on where the one before ended
    second = [[draw.index for draw in batch] for batch in longer]
    assert [[draw.index for draw in batch] for batch in whole] == seven + second
