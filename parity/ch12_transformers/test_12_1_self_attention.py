"""Notebook 12.1: self-attention."""

import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import self_attention as sa


def parameters(book):
    return sa.Maps(*(book[name] for name in sa.Maps._fields))


def test_queries_keys_and_values(reference, agrees):
    book = reference("12_1")
    maps = parameters(book)
    for name, omega, beta in (
        ("queries", maps.omega_q, maps.beta_q),
        ("keys", maps.omega_k, maps.beta_k),
        ("values", maps.omega_v, maps.beta_v),
    ):
        agrees(sa.project(book["x"], omega, beta), book[name], kind="value", quantity=name)


def test_unscaled(reference, agrees):
    book = reference("12_1")
    found = sa.self_attention(book["x"], parameters(book), scaled=False)
    agrees(found.values, book["new"], kind="value", quantity="three new tokens, one by one")
    agrees(found.values, book["matrix/new"], kind="value", quantity="three new tokens, as matrices")
    agrees(found.weights, book["matrix/weights"], kind="value", quantity="attention without scaling")


def test_printed(reference, agrees):
    """The author prints eight decimals."""
    book = reference("12_1")
    found = sa.self_attention(book["x"], parameters(book), scaled=False).values
    assert jnp.abs(found - book["printed"]).max() < 6e-9
    agrees(found.round(8), book["printed"], kind="value", quantity="the author's twelve numbers")


def test_scaled(reference, agrees):
    book = reference("12_1")
    found = sa.self_attention(book["x"], parameters(book))
    agrees(found.values, book["scaled/new"], kind="value", quantity="scaled self-attention")
    agrees(found.weights, book["scaled/weights"], kind="value", quantity="attention with scaling")


def test_covariance(reference, agrees):
    book = reference("12_1")
    moved = np.array([2, 0, 1])
    for name, scaled in (("plain", False), ("scaled", True)):
        found = sa.self_attention(book["x"], parameters(book), scaled=scaled).values
        agrees(found[moved], book[f"moved/{name}"], kind="value", quantity=f"tokens in another order, {name}")


@pytest.mark.parametrize(("tokens", "width"), [(1, 4), (7, 4), (5, 6), (40, 3)])
def test_elsewhere(reference, agrees, tokens, width):
    there = reference("12_1").under(f"elsewhere_{tokens}_{width}")
    x, omega_v, omega_q, omega_k, beta_v, beta_q, beta_k = (there[f"given_{k}"] for k in range(7))
    maps = sa.Maps(omega_q, omega_k, omega_v, beta_q[:, 0], beta_k[:, 0], beta_v[:, 0])
    for name, scaled in (("plain", False), ("scaled", True)):
        found = sa.self_attention(x.T, maps, scaled=scaled)
        quantity = f"{tokens} tokens of width {width}, {name}"
        agrees(found.values, there[name], kind="value", quantity=quantity)
        agrees(found.weights, there[f"{name}_weights"], kind="value", quantity=f"attention, {quantity}")
