"""Notebook 10.4: downsampling and upsampling."""

import jax.numpy as jnp
import pytest

from udl_jax.ch10_convolution import resampling


@pytest.fixture
def chains(reference):
    """Make all the pictures of the notebook, in the order in which it makes them."""
    picture = reference("10_4")["picture"].astype(float)

    def three(function, *starts):
        first = function(starts[0])
        second = function(starts[-1] if len(starts) > 1 else first)
        return first, second, function(second)

    down, largest = three(resampling.downsample, picture), three(resampling.max_pool, picture)
    # The notebook feeds its second mean pooling with the picture that was max-pooled.
    mean = three(resampling.mean_pool, picture, largest[0])
    unpooled = [largest[2]]
    for before in (largest[1], largest[0], picture):
        unpooled.append(resampling.max_unpool(unpooled[-1], before))
    once = resampling.bilinear(mean[2])
    twice = resampling.bilinear(once)
    return {
        "downsample": down,
        "max": largest,
        "mean": mean,
        "duplicate": three(resampling.duplicate, down[2]),
        "unpool": unpooled[1:],
        # ... and its third bilinear picture is a duplication.
        "bilinear": (once, twice, resampling.duplicate(twice)),
    }


@pytest.mark.parametrize("name", ["downsample", "max", "mean", "duplicate", "unpool", "bilinear"])
def test_pictures(reference, agrees, chains, name):
    book = reference("10_4")
    for level, ours in enumerate(chains[name], 1):
        step = 3 if len(ours) > 100 else 1
        agrees(
            ours[::step, ::step], book[f"{name}/{level}"], kind="value", quantity=f"{name}, picture {level}"
        )
        agrees(
            ours.sum(), book[f"{name}/{level}/sum"], kind="value", quantity=f"{name}, sum of picture {level}"
        )


def test_patches(reference, agrees):
    book = reference("10_4")
    patch, small = book["patch"], book["small"]
    found = {
        "patch/downsampled": resampling.downsample(patch),
        "patch/max": resampling.max_pool(patch),
        "patch/mean": resampling.mean_pool(patch),
        "small/duplicated": resampling.duplicate(small),
        "small/unpooled": resampling.max_unpool(small, patch),
        "small/bilinear": resampling.bilinear(small),
    }
    for name, ours in found.items():
        agrees(ours.astype(float), book[name], kind="value", quantity=f"patch, {name}")


def test_elsewhere(reference, agrees):
    book = reference("10_4").under("elsewhere")
    odd, even = book["odd"], book["even"]
    found = {
        "odd/downsampled": resampling.downsample(odd),
        "odd/max": resampling.max_pool(odd),
        "odd/mean": resampling.mean_pool(odd),
        "odd/duplicated": resampling.duplicate(odd),
        "odd/bilinear": resampling.bilinear(odd),
        "even/unpooled": resampling.max_unpool(resampling.max_pool(even), even),
        "even/bilinear": resampling.bilinear(even),
    }
    for name, ours in found.items():
        agrees(jnp.asarray(ours, float), book[name], kind="value", quantity=f"another image, {name}")
