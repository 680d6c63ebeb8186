import torch

from occreid.nn.stripes import kept_stripes, take_stripes


def test_the_stripes_of_highest_score_stay_in_their_order():
    scores = torch.tensor([[0.1, 0.9, 0.5, 0.7], [0.9, 0.8, 0.1, 0.2]])
    assert kept_stripes(scores, 0.5).tolist() == [[1, 3], [0, 1]]
    assert kept_stripes(scores, 0.51).tolist() == [[1, 2, 3], [0, 1, 3]]
    assert kept_stripes(scores, 0.01).tolist() == [[1], [0]]
    assert kept_stripes(scores, 1.0).tolist() == [[0, 1, 2, 3]] * 2


def test_a_share_is_not_rounded_up_by_the_error_of_a_product():
    assert kept_stripes(torch.rand(1, 10), 0.7).shape == (1, 7)  # 0.7 · 10 is 7.000000000000001 as a double


def test_stripes_are_taken_from_maps_of_both_kinds():
    x = torch.rand(2, 3, 4, 5)
    rows = torch.tensor([[0, 2], [1, 3]])
    taken = take_stripes(x, rows)
    assert torch.equal(taken[0], x[0, :, [0, 2]]) and torch.equal(taken[1], x[1, :, [1, 3]])
    assert torch.equal(take_stripes(x[:, 0], rows), taken[:, 0])
    last = take_stripes(x.contiguous(memory_format=torch.channels_last), rows)
    assert torch.equal(last, taken) and last.is_contiguous(memory_format=torch.channels_last)
