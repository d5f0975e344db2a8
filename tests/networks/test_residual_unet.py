"""The network of Ho et al. 2020."""

from typing import Any

import pytest

from nevoa.errors import NevoaError
from nevoa.networks import ResidualUNet
from tests.networks.small_networks import SMALL, count, inputs


@pytest.mark.slow
def test_ddpm_cifar10_has_the_parameters_of_ho_et_al() -> None:
    """35.7 million (appendix B); to the last one those of the copy that diffusers rebuilds."""
    from diffusers.models.unets.unet_2d import UNet2DModel

    theirs = UNet2DModel(
        sample_size=32,
        block_out_channels=(128, 256, 256, 256),
        layers_per_block=2,
        attention_head_dim=None,
        norm_num_groups=32,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    )
    assert count(ResidualUNet()) == count(theirs) == 35_746_307


def test_a_residual_network_starts_at_zero() -> None:
    x, t = inputs()
    assert SMALL["folded"]()(x, t).abs().max() == 0


@pytest.mark.parametrize(
    ("keys", "message"), [({"dimm": 8}, "There is no config key 'dimm'. Did you mean 'dim'"), ({"dim": 7}, "dim: ")]
)
def test_its_arguments_are_checked_as_the_keys_of_its_config(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        ResidualUNet(**keys)
