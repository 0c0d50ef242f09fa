"""Blockwise attention against torch's own, with gradients; linear attention against its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from udl_jax.ch12_transformers import attention_cost as cost

NAMES = "queries, keys, values"


@pytest.mark.parametrize(("tokens", "block"), [(1, 8), (37, 8), (64, 16), (50, 128)])
def test_torch(agrees, tokens, block):
    generator = np.random.default_rng(0)
    q, k, v = 3 * generator.normal(size=(3, 2, 4, tokens, 6))
    theirs = [torch.tensor(array, requires_grad=True) for array in (q, k, v)]
    new = torch.nn.functional.scaled_dot_product_attention(*theirs, is_causal=True)
    new.square().sum().backward()

    def squares(q, k, v):
        found = cost.blockwise_attention(q, k, v, block)
        return jnp.sum(found**2), found

    gradients, found = jax.jit(jax.grad(squares, argnums=(0, 1, 2), has_aux=True))(q, k, v)
    quantity = f"{tokens} tokens in blocks of {block}"
    agrees(found, new.detach().numpy(), kind="witness", quantity=f"torch's attention, {quantity}")
    if tokens > 1:  # with a single token, shares cannot change: the first two gradients are zero
        expected = [np.asarray(array.grad) for array in theirs]
        agrees(list(gradients), expected, kind="witness", quantity=f"torch's gradients, {quantity}")


def test_linear(agrees):
    generator = np.random.default_rng(1)
    q, k, v = generator.normal(size=(3, 2, 45, 6))
    features = [torch.nn.functional.elu(torch.tensor(array)) + 1 for array in (q, k)]
    weights = torch.tril(features[0] @ features[1].transpose(-1, -2))
    expected = weights / weights.sum(-1, keepdim=True) @ torch.tensor(v)
    found = cost.linear_attention(q, k, v, 16)
    agrees(found, expected.numpy(), kind="witness", quantity="linear attention as all scores in torch")
