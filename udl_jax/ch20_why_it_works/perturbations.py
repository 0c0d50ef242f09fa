"""Small changes of an image that make a network err: one step by the sign of the gradient, several, or a blind one."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num, PyTree

from udl_jax import _checks, training
from udl_jax._annotations import checked
from udl_jax.data.mnist import standardize

Variables = Mapping[str, PyTree]


def grey_bounds(dtype: Any = None) -> tuple[np.floating, np.floating]:
    """Return what black and white are for a network that is fed standardized pixels, in a given precision.

    Examples
    --------
    >>> low, high = grey_bounds()
    >>> print(f"{low:.3f} {high:.3f}")
    -0.424 2.821
    """
    dtype = jnp.result_type(float) if dtype is None else dtype
    with jax.ensure_compile_time_eval():  # also where a training or an attack is being compiled
        low, high = np.asarray(standardize(jnp.array([0, 1], dtype)))
    return low, high


@checked
def input_gradient(
    model: nn.Module, variables: Variables, x: Float[Array, "batch ..."], y: Int[Array, " batch"]
) -> Float[Array, "batch ..."]:
    """Differentiate each image's loss with respect to its pixels: which way to change them, and how much it matters.

    The network is in evaluation mode, so nothing is dropped and no statistics are updated.

    Parameters
    ----------
    model
        A Flax module that gives scores of classes, such as chapter 10's
        :class:`udl_jax.ch10_convolution.convolution_mnist.DigitNetwork`; static.
    variables
        Its variables.
    x
        Images as the network is fed them.
    y
        The classes whose cross-entropy is differentiated.

    Raises
    ------
    ValueError
        If there are no images, there is not one label for each, or a label numbers no class.

    References
    ----------
    Goodfellow et al. (2015), "Explaining and harnessing adversarial examples".
    """
    _check_labels(model, variables, x, y)
    return _gradient(model, variables, x, y)


@functools.partial(jax.jit, static_argnums=0)
def _gradient(model, variables, x, y):
    def loss(x):
        # A sum, not a mean: the images have nothing to do with each other.
        return len(y) * training.cross_entropy(training.predict(model, variables, x), y)

    return jax.grad(loss)(x)


@checked
def fgsm(
    x: Float[Array, "*shape"],
    gradient: Float[Array, "*shape"],
    epsilon: Num[ArrayLike, ""],
    bounds: tuple[Any, Any] | None = None,
) -> Float[Array, "*shape"]:
    """Change every pixel by ``epsilon``, each in the direction in which the loss grows: the fast gradient sign method.

    Parameters
    ----------
    x
        Images.
    gradient
        From :func:`input_gradient`. Where it is zero, the pixel stays.
    epsilon
        The change, in the units of ``x``, not negative. (For standardized pixels, 0.5 is 0.154 of the way from black to white.)
    bounds
        Least and largest value of a pixel, in the units of ``x``, to which the result is clipped; None for no clipping.

    Raises
    ------
    ValueError
        If shapes differ, ``epsilon`` is negative, or the bounds are not in order.

    References
    ----------
    Goodfellow et al. (2015), equation in section 3; notebook 20.4.

    Examples
    --------
    >>> fgsm(jnp.array([0.9, 0.5, 0.1]), jnp.array([3.0, 0.0, -0.1]), 0.25, bounds=(0, 1))
    Array([1. , 0.5, 0. ], dtype=float32)
    """
    epsilon = _size("epsilon", epsilon, x)
    return _clip(x + epsilon * jnp.sign(gradient), bounds)


@checked
def random_signs(
    key: Key[Array, ""],
    x: Float[Array, "*shape"],
    epsilon: Num[ArrayLike, ""],
    bounds: tuple[Any, Any] | None = None,
) -> Float[Array, "*shape"]:
    """Change every pixel by ``epsilon``, up or down at random: as large a change as :func:`fgsm`'s, but a blind one."""
    return fgsm(x, jax.random.rademacher(key, x.shape, x.dtype), epsilon, bounds)


@checked
def iterate(
    model: nn.Module,
    variables: Variables,
    x: Float[Array, "batch ..."],
    y: Int[Array, " batch"],
    step: Num[ArrayLike, ""],
    steps: int,
    *,
    radius: Num[ArrayLike, ""] | None = None,
    bounds: tuple[Any, Any] | None = None,
    targeted: bool = False,
) -> Float[Array, "batch ..."]:
    """Take small steps by the sign of the gradient, which is computed anew before each.

    Parameters
    ----------
    model, variables, x, y
        As in :func:`input_gradient`.
    step
        Change of a pixel in each step.
    steps
        How many; static.
    radius
        How far a pixel may end from where it started; None for as far as the steps go.
    bounds
        As in :func:`fgsm`.
    targeted
        Whether ``y`` are the classes that the network should see, whose loss is to fall, instead of the right ones, whose loss
        is to grow.

    Raises
    ------
    ValueError
        As :func:`input_gradient` and :func:`fgsm`; also if ``steps`` is less than 1, or ``step`` or ``radius`` is negative.

    References
    ----------
    Kurakin et al. (2017), "Adversarial examples in the physical world"; Madry et al. (2018), "Towards deep learning models
    resistant to adversarial attacks". Notebook 20.4, its last exercise.
    """
    _check_labels(model, variables, x, y)
    start, step = x, _size("step", step, x)
    steps = _checks.count("steps", steps)
    radius = None if radius is None else _size("radius", radius, start)
    _clip(start, bounds)
    direction = -1 if targeted else 1

    def body(_, x):
        x = _clip(x + direction * step * jnp.sign(_gradient(model, variables, x, y)), bounds)
        return x if radius is None else jnp.clip(x, start - radius, start + radius)

    return jax.lax.fori_loop(0, steps, body, start)


def _check_labels(model, variables, x, y):
    classes = jax.eval_shape(functools.partial(training.predict, model), variables, x).shape[-1]
    _checks.values("y", y, lambda y: (y >= 0) & (y < classes), f"labels in 0..{classes - 1}")


def _size(name, value, x):
    """Return the size of a change in the dtype of what is changed; refuse a negative one."""
    return _checks.like(_checks.number(name, value, least=0), x)


def _clip(x, bounds):
    if bounds is None:
        return x
    low, high = (_checks.like(bound, x) for bound in bounds)
    if not _checks.is_traced((low, high)) and not float(low) < float(high):
        raise ValueError(f"bounds must be the least and the largest value of a pixel, got {low} and {high}")
    return jnp.clip(x, low, high)
