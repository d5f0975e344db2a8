"""Dropout with masks from a generator of its own is torch's dropout."""

import torch
from torch import Tensor, nn

from nevoa.networks import Dropout
from nevoa.networks.dropout import masks_from


def test_with_a_generator_it_computes_what_torch_computes_with_its_own() -> None:
    x, after = torch.randn(4, 8), torch.Generator().manual_seed(5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected, before = nn.Dropout(0.3)(x), torch.get_rng_state()
        with masks_from(after):
            found = Dropout(0.3)(x)
        assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert torch.equal(after.get_state(), before)


def test_without_a_generator_it_is_dropout_of_torch() -> None:
    def seeded(layer: nn.Module) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            return layer(torch.ones(100))

    assert torch.equal(seeded(Dropout(0.3)), seeded(nn.Dropout(0.3)))


def test_it_draws_nothing_where_nothing_is_dropped() -> None:
    generator = torch.Generator()
    before = generator.get_state()
    with masks_from(generator):
        for layer in (Dropout(0.3).eval(), Dropout(0.0)):
            assert torch.equal(layer(torch.ones(9)), torch.ones(9))
    assert torch.equal(generator.get_state(), before)


def test_each_thread_has_its_own_generator() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with masks_from(torch.Generator().manual_seed(5)), torch.random.fork_rng(devices=[]), ThreadPoolExecutor(1) as pool:
        before = torch.get_rng_state()
        pool.submit(Dropout(0.3), torch.ones(9)).result()
        assert not torch.equal(torch.get_rng_state(), before)
