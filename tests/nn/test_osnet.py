import pytest
import torch

from occreid.nn.osnet import CHANNELS, OSNet


def parameters(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("variant", ["plain", "ain"])
@pytest.mark.parametrize("width", CHANNELS)
def test_every_width_gives_one_vector_a_picture(width, variant):
    network = OSNet(width, variant).eval()
    images = torch.rand(2, 3, 64, 32)
    with torch.no_grad():
        found = network(images)
        torch.testing.assert_close(network(images[:1]), found[:1], atol=1e-5, rtol=1e-4)
    assert found.shape == (2, 512) and found.min() >= 0  # the last layer is a ReLU


def test_sizes_are_the_papers():
    # Zhou et al. 2019, Table 7: 2.2, 1.3, 0.6 and 0.2 million parameters
    assert [round(parameters(OSNet(width)) / 1e6, 1) for width in CHANNELS] == [2.2, 1.3, 0.6, 0.2]


def test_names_are_the_authors():
    plain, ain = (OSNet(0.25, variant).state_dict() for variant in ("plain", "ain"))
    for name in ("conv1.bn.running_mean", "conv2.0.conv2d.3.conv2.weight", "conv2.2.0.conv.weight", "fc.1.bias"):
        assert name in plain, name
    for name in ("conv2.0.conv2.3.layers.3.conv1.weight", "pool2.0.bn.weight", "conv2.0.IN.weight"):
        assert name in ain, name
    assert "conv1.bn.running_mean" not in ain and "conv2.0.conv3.bn.weight" not in ain  # instance norms keep no mean
    assert "conv3.0.conv3.bn.weight" in ain and "conv3.1.IN.weight" in ain


def test_a_block_is_its_equation_in_float64():
    torch.manual_seed(0)
    block = OSNet(0.25).conv2[0].double().eval()
    x = torch.randn(2, 16, 6, 4, dtype=torch.float64)
    with torch.no_grad():
        narrow = block.conv1(x)
        total = torch.zeros_like(narrow)
        for stream in (block.conv2a, block.conv2b, block.conv2c, block.conv2d):
            scale = stream(narrow)
            mean = scale.mean((2, 3), keepdim=True)
            total += scale * torch.sigmoid(block.gate.fc2(torch.relu(block.gate.fc1(mean))))
        wanted = torch.relu(block.conv3(total) + block.downsample(x))
        torch.testing.assert_close(block(x), wanted)
