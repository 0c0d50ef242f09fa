"""Notebook 10.3: convolution of images."""

import jax.numpy as jnp
import pytest

from parity import layout
from udl_jax.ch10_convolution import convolution_2d

WAYS = {"by vmap": convolution_2d.convolve, "by lax": convolution_2d.convolve_by_lax}


def in_jax(take):
    return layout.images(take["images"]), jnp.moveaxis(take["kernels"], (0, 1), (-1, -2))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "stride"), [("simple", 1), ("stride", 2), ("channels", 1), ("batch", 1)])
def test_examples(reference, agrees, way, name, stride):
    book = reference("10_3").under(name)
    ours = WAYS[way](*in_jax(book), stride=stride)
    agrees(ours, layout.images(book["pytorch"]), kind="value", quantity=f"example {name!r}, PyTorch's, {way}")
    agrees(ours, layout.images(book["numpy"]), kind="value", quantity=f"example {name!r}, by hand, {way}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(4))
def test_elsewhere(reference, agrees, way, number):
    book = reference("10_3").under(f"elsewhere/{number}")
    stride, pad = (int(n) for n in book["settings"])
    ours = WAYS[way](*in_jax(book), stride=stride, pad=pad)
    theirs = layout.images(book["pytorch"])
    agrees(ours, theirs, kind="value", quantity=f"stride {stride}, padding {pad}, {way}")
    agrees(ours, layout.images(book["numpy"]), kind="value", quantity=f"stride {stride}, by hand, {way}")
