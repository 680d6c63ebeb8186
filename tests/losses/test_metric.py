import torch

from occreid.losses import BatchHardTripletLoss, SupervisedContrastiveLoss, metric_criterion


def test_each_name_is_its_loss_with_its_own_number():
    features, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6) // 2
    triplet, contrastive = (metric_criterion(name, 0.7, 0.3)(features, labels) for name in ("triplet", "contrastive"))
    assert torch.equal(triplet, BatchHardTripletLoss(0.7)(features, labels))
    assert torch.equal(contrastive, SupervisedContrastiveLoss(0.3)(features, labels))
