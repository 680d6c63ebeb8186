import pytest
import timm
import torch

from occreid.errors import UserError
from occreid.nn.transformer import class_feature, create_vit


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_the_class_token_alone_is_the_feature(name):
    torch.manual_seed(0)
    vit = create_vit(name, "none", img_size=(32, 32)).eval()
    tokens = torch.randn(2, vit.num_prefix_tokens + 4, vit.embed_dim)
    with torch.no_grad():
        feature = class_feature(vit, tokens)
        changed = tokens.clone()
        changed[:, 1:] = 0
        assert torch.equal(class_feature(vit, changed), feature)
        assert not torch.equal(class_feature(vit, tokens.roll(1, 1)), feature)
    assert torch.equal(feature, tokens[:, 0])


def test_without_distillation_it_is_what_timm_pools():
    torch.manual_seed(0)
    vit = create_vit("vit_tiny_patch16_224", "none", img_size=(32, 32)).eval()
    whole = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=(32, 32)).eval()
    whole.load_state_dict(vit.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(class_feature(vit, vit.forward_features(images)), whole(images))


@pytest.mark.parametrize("name", ["resnet18", "vit_base_patch16_siglip_224", "swin_tiny_patch4_window7_224"])
def test_a_network_without_a_class_token_is_refused(name):
    with pytest.raises(UserError, match=f"'{name}' is no vision transformer with a class token"):
        create_vit(name, "none")
