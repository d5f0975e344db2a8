"""Where it computes, and in what."""

import pytest
import torch

from nevoa.device import choose_device, choose_precision, in_precision, timed
from nevoa.errors import NevoaError
from nevoa.networks import UNet


def test_the_faster_precision_is_chosen() -> None:
    assert choose_precision({"float32": 2.0, "bfloat16": 1.0}.__getitem__) == "bfloat16"
    assert choose_precision({"float32": 1.0, "bfloat16": 2.0}.__getitem__) == "float32"


def test_bf16_is_float32_up_to_its_rounding() -> None:
    """bf16 keeps 8 bits: a few hundredths after a network; weights, input and output stay float32."""
    torch.manual_seed(0)
    network = UNet(channels=1, dim=12, multipliers=(1, 2), classes=2).eval()
    inputs = torch.randn(2, 1, 8, 8), torch.tensor([3, 900]), torch.tensor([0, 1])
    exact, rounded = (in_precision(network, "cpu", name)(*inputs).detach() for name in ("float32", "bfloat16"))
    assert rounded.dtype == torch.float32
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    assert 0 < float((exact - rounded).abs().max()) < 0.05 * float(exact.abs().max())


@pytest.mark.skipif(torch.cuda.is_available(), reason="has the device that must be missing")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(NevoaError, match="no cuda device"):
        choose_device("cuda")


def test_auto_finds_a_device() -> None:
    assert torch.ones(1, device=choose_device()).sum() == 1


def test_work_is_warmed_up_before_it_is_timed() -> None:
    calls: list[int] = []
    assert timed(lambda: calls.append(1), "cpu") >= 0
    assert len(calls) == 2
