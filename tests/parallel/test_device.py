"""Where it computes, and in what."""

from collections.abc import Iterator

import pytest
import torch

from nevoa.config.names import PrecisionName
from nevoa.errors import NevoaError
from nevoa.networks import UNet
from nevoa.parallel import device
from nevoa.parallel.device import (
    choose_device,
    choose_precision,
    choose_threads,
    computing,
    in_precision,
    keeping_memory,
    timed,
    within,
)


@pytest.mark.parametrize(("has_units", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_cpu_computes_in_what_it_has_units_for(monkeypatch, has_units: bool, expected: PrecisionName) -> None:
    """Whatever else the machine does: timings on a busy one chose now bf16, now float32."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_units)
    assert choose_precision("cpu") == expected
    assert choose_precision("mps") == "float32"


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float16")])
def test_cuda_computes_in_what_it_has_units_for(monkeypatch, native: bool, expected: PrecisionName) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert choose_precision("cuda") == expected


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
    with pytest.raises(NevoaError, match=r"no cuda device. Choose one of: auto, cpu"):
        choose_device("cuda")


def test_auto_finds_a_device() -> None:
    assert torch.ones(1, device=choose_device()).sum() == 1


def test_work_is_warmed_up_before_it_is_timed() -> None:
    calls: list[int] = []
    assert timed(lambda: calls.append(1), "cpu") >= 0
    assert len(calls) == 2


def test_an_outlier_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four calls of 1, 1, 9 and 1 seconds take one."""
    clock = iter([0, 1, 1, 2, 2, 11, 11, 12])
    monkeypatch.setattr(device.time, "perf_counter", lambda: next(clock))
    assert timed(lambda: None, "cpu", at_least=12) == 1


def test_freed_memory_is_kept_within_the_outermost_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: dict[int, int] = {}

    class Glibc:
        def mallopt(self, name: int, value: int) -> int:
            set_to[name] = value
            return 1

    monkeypatch.setattr(device.ctypes, "CDLL", lambda _: Glibc())
    with keeping_memory():
        with keeping_memory():
            pass
        assert set_to == {-8: 1, -3: 1 << 30, -1: 2**31 - 1}
    assert set_to == device.DEFAULTS


def test_without_mallopt_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.ctypes, "CDLL", lambda _: object())
    with keeping_memory():
        pass


def test_threads_are_those_torch_has_and_the_machine_lends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(device, "available_cores", lambda: 3)
    assert choose_threads() == 3
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert choose_threads() == 2


def test_a_stream_computes_with_its_threads_and_hands_items_on_without_them() -> None:
    before, seen = torch.get_num_threads(), []

    def stream() -> Iterator[int]:
        for number in range(3):
            seen.append(torch.get_num_threads())
            yield number

    for _ in within(lambda: computing("cpu", before + 1), stream()):
        assert torch.get_num_threads() == before
    assert seen == [before + 1] * 3
    assert torch.get_num_threads() == before


def test_an_error_in_a_stream_leaves_its_context() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        list(within(lambda: computing("cpu", before + 1), (1 // number for number in (1, 0))))
    assert torch.get_num_threads() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_every_precision_computes_on_cuda(precision: PrecisionName) -> None:
    network = UNet(channels=1, dim=12, multipliers=(1, 2)).eval().to("cuda", memory_format=torch.channels_last)  # pyright: ignore
    x, t = torch.randn(2, 1, 8, 8, device="cuda"), torch.tensor([3, 900], device="cuda")
    exact, rounded = network(x, t), in_precision(network, "cuda", precision)(x, t)
    assert rounded.dtype == torch.float32
    assert float((exact - rounded).abs().max()) < 0.05 * float(exact.abs().max())


def test_a_device_with_an_index_is_used_where_it_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("cpu:0") == choose_device(torch.device("cpu")) == "cpu"
    with pytest.raises(NevoaError, match="This machine has no cuda device"):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        choose_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("cuda:0") == choose_device(torch.device("cuda:0")) == "cuda"
