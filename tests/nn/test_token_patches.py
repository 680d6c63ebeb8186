import pytest
import timm
import torch

from occreid.errors import UserError
from occreid.nn.token_patches import patch_grid, set_patch_step


def vit(height=64, width=32):
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1, img_size=(height, width)).eval()


@pytest.mark.parametrize("size", [(64, 32), (48, 48), (70, 40)])
@pytest.mark.parametrize("step", [4, 11, 16])
def test_patches_begin_every_step(size, step):
    network = vit(*size)
    grid = set_patch_step(network, step)
    assert grid == patch_grid(*size, 16, step) == network.patch_embed.grid_size
    images = torch.rand(2, 3, *size)
    tokens = network.patch_embed(images)
    assert tokens.shape[1] == grid[0] * grid[1]
    assert network.pos_embed.shape[1] == 1 + grid[0] * grid[1]
    row, column = grid[0] - 1, grid[1] - 1
    crop = images[:, :, row * step : row * step + 16, column * step : column * step + 16]
    torch.testing.assert_close(tokens[:, -1], network.patch_embed.proj(crop).flatten(1), rtol=1e-4, atol=1e-5)
    assert torch.isfinite(network(images)).all()


def test_the_patchs_own_size_changes_nothing():
    network, images = vit(), torch.rand(1, 3, 64, 32)
    before, embedding = network(images), network.pos_embed
    assert set_patch_step(network, 16) == (4, 2) and network.pos_embed is embedding
    assert torch.equal(network(images), before)


def test_position_embeddings_are_interpolated_and_keep_their_class_token():
    network = vit()
    with torch.no_grad():
        network.pos_embed[:] = 0.5
        network.pos_embed[:, 0] = 3.0
    set_patch_step(network, 8)
    torch.testing.assert_close(network.pos_embed[:, 0], torch.full((1, 192), 3.0))
    torch.testing.assert_close(network.pos_embed[:, 1:], torch.full((1, 21, 192), 0.5))
    assert network.pos_embed.requires_grad


@pytest.mark.parametrize("step", [0, 17, -4])
def test_impossible_steps(step):
    with pytest.raises(UserError, match=f"a patch step of {step} is impossible"):
        set_patch_step(vit(), step)
