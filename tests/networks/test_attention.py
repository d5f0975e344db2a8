"""Attention equals its definition, written out position by position."""

import pytest
import torch

from nevoa.networks.attention import Attention, CrossAttention, LinearAttention
from tests.networks.small_networks import distance, rounding

pytestmark = pytest.mark.numerical


def test_attention_is_a_weighted_mean_of_values() -> None:
    """Written out position by position."""
    torch.manual_seed(0)
    layer, x = Attention(6, heads=2, head_dim=4), torch.randn(1, 6, 2, 3)
    q, k, v = layer.qkv(x).reshape(3, 2, 4, 6).unbind(0)
    y = torch.zeros(2, 4, 6)
    for head in range(2):
        for i in range(6):
            weights = torch.stack([q[head, :, i] @ k[head, :, j] / 4**0.5 for j in range(6)]).softmax(0)
            y[head, :, i] = sum(weights[j] * v[head, :, j] for j in range(6))
    torch.testing.assert_close(layer(x), layer.out(y.reshape(1, 8, 2, 3)), rtol=1e-4, atol=1e-5)


def test_cross_attention_is_a_weighted_mean_of_the_values_of_tokens() -> None:
    torch.manual_seed(0)
    layer = CrossAttention(torch.nn.Identity(), 6, 5, heads=2, head_dim=4)
    x, tokens = torch.randn(1, 6, 2, 3), torch.randn(1, 7, 5)
    q = layer.q(x).reshape(2, 4, 6)
    k, v = layer.kv(tokens)[0].reshape(7, 2, 2, 4).unbind(1)
    y = torch.zeros(2, 4, 6)
    for head in range(2):
        for i in range(6):
            weights = torch.stack([q[head, :, i] @ k[j, head] / 4**0.5 for j in range(7)]).softmax(0)
            y[head, :, i] = sum(weights[j] * v[j, head] for j in range(7))
    torch.testing.assert_close(layer(x, tokens), x + layer.out(y.reshape(1, 8, 2, 3)), rtol=1e-4, atol=1e-5)


def test_without_words_cross_attention_adds_its_bias_alone() -> None:
    layer, x = CrossAttention(torch.nn.GroupNorm(1, 6), 6, 5), torch.randn(2, 6, 2, 3)
    bias = layer.out.bias
    assert bias is not None
    torch.testing.assert_close(layer(x, torch.zeros(2, 7, 5)), x + bias[:, None, None])


def test_linear_attention_is_its_definition() -> None:
    """q (k v^T) grouped the other way: (q k^T) v, with an explicit matrix over positions."""
    torch.manual_seed(0)
    layer, x = LinearAttention(6, heads=2, head_dim=4), torch.randn(1, 6, 2, 3)
    q, k, v = layer.qkv(x).reshape(3, 2, 4, 6).unbind(0)
    weights = torch.einsum("hdi,hdj->hij", q.softmax(1) * 4**-0.5, k.softmax(2))
    y = torch.einsum("hij,hdj->hdi", weights, v)
    torch.testing.assert_close(layer(x), layer.out(y.reshape(1, 8, 2, 3)), rtol=1e-4, atol=1e-5)


def test_attention_in_bf16_is_torchs() -> None:
    """The formula in place of the fused kernel gives the same output and gradient, up to the rounding of bf16."""
    torch.manual_seed(0)
    layer, x = Attention(16, heads=2, head_dim=8), torch.randn(2, 16, 3, 5)
    exact = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x).float()
    expected, found = (torch.autograd.grad(y.square().sum(), list(layer.parameters())) for y in (exact, rounded))
    # The projection, q k^T, its softmax, the product with v, and the output round their results.
    operations = 5
    assert 0 < distance(rounded, exact) < rounding(operations)
    for ours, theirs in zip(found, expected, strict=True):
        assert 0 < distance(ours, theirs) < rounding(2 * operations)
