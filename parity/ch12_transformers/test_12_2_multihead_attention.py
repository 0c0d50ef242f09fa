"""Notebook 12.2: multihead self-attention; and torch's layer and Flax's with the same weights."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity import layout
from udl_jax.ch12_transformers import multihead_attention as mha
from udl_jax.ch12_transformers.self_attention import causal_mask


def parameters(book):
    return mha.Heads(*(book[name] for name in mha.Heads._fields))


def test_notebook(reference, agrees):
    book = reference("12_2")
    found = mha.multihead(book["x"], parameters(book))
    agrees(found.values, book["new"], kind="value", quantity="six new tokens")
    agrees(found.heads, book["heads"], kind="value", quantity="what both heads found")
    agrees(found.weights, book["weights"], kind="value", quantity="attention of both heads")


def test_printed(reference, agrees):
    """The author prints three decimals."""
    book = reference("12_2")
    found = mha.multihead(book["x"], parameters(book)).values
    agrees(found.round(3), book["printed"], kind="value", quantity="the author's 48 numbers")


@pytest.mark.parametrize("tokens", [1, 9, 30])
def test_elsewhere(reference, agrees, tokens):
    there = reference("12_2").under(f"elsewhere_{tokens}")
    given = [there[f"given_{k:02}"] for k in range(14)]
    v, q, k, b_v, b_q, b_k = (jnp.stack(pair) for pair in zip(given[1:7], given[7:13]))
    found = mha.multihead(given[0].T, mha.Heads(q, k, v, b_q[..., 0], b_k[..., 0], b_v[..., 0], given[13]))
    agrees(found.values, there["new"], kind="value", quantity=f"{tokens} tokens of width {len(given[0])}")
    agrees(found.weights, there["weights"], kind="value", quantity=f"attention among {tokens} tokens")


@pytest.mark.parametrize("masked", [False, True], ids=["all", "causal"])
def test_flax(agrees, masked):
    ours = mha.draw_parameters(jax.random.key(0), width=12, heads=3)
    x = jax.random.normal(jax.random.key(1), (2, 7, 12))
    mask = causal_mask(7) if masked else None
    layer = nn.MultiHeadDotProductAttention(num_heads=3)
    theirs = layer.apply({"params": mha.as_flax(ours)}, x, mask=mask)
    agrees(mha.multihead(x, ours, mask).values, theirs, kind="witness", quantity="Flax's layer")


@pytest.mark.parametrize("masked", [False, True], ids=["all", "causal"])
def test_torch(agrees, masked):
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(12, 3, batch_first=True, dtype=torch.float64)
    torch.nn.init.normal_(layer.in_proj_bias)
    torch.nn.init.zeros_(layer.out_proj.bias)
    x = torch.randn(2, 7, 12, dtype=torch.float64, requires_grad=True)
    mask = torch.triu(torch.ones(7, 7, dtype=torch.bool), 1) if masked else None  # True hides
    new, weights = layer(x, x, x, attn_mask=mask, average_attn_weights=False)
    new.square().sum().backward()

    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight")
    found = dict(layer.named_parameters())
    ours = layout.multihead(*(found[name].detach().numpy() for name in names), heads=3)
    there = jnp.asarray(x.detach().numpy())
    allowed = causal_mask(7) if masked else None

    def squares(x, parameters):
        result = mha.multihead(x, parameters, allowed)
        return jnp.sum(result.values**2), result

    gradients, result = jax.grad(squares, argnums=(0, 1), has_aux=True)(there, ours)
    agrees(result.values, new.detach().numpy(), kind="witness", quantity="torch's layer")
    agrees(result.weights, weights.detach().numpy(), kind="witness", quantity="torch's attention weights")
    theirs = layout.multihead(*(found[name].grad.numpy() for name in names), heads=3)
    agrees(gradients[0], np.asarray(x.grad), kind="witness", quantity="gradient at the tokens, torch's")
    # An offset of the keys adds the same to all scores of a query, so its gradient is zero but for rounding.
    assert max(abs(np.asarray(g.beta_k)).max() for g in (gradients[1], theirs)) < 1e-10
    ours, theirs = (g._replace(beta_k=None) for g in (gradients[1], theirs))
    agrees(ours, theirs, kind="witness", quantity="gradient at the parameters, torch's")
