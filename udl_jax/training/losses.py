"""What a training minimises and what it reports, as functions of a network's outputs.

Each refuses shapes that would broadcast: shapes are known also under ``jit``, and a column beside a row gives
a number that looks like a loss. Labels are looked at where they have values, that is outside ``jit``.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, Shaped


def cross_entropy(
    outputs: Num[Array | np.ndarray, "*batch classes"], labels: Shaped[Array | np.ndarray, "..."]
) -> Float[Array, ""]:
    """Compute the mean cross-entropy, in nats, of the softmax of ``outputs``.

    Parameters
    ----------
    outputs
        Scores of the classes, along the last axis.
    labels
        Numbers of the classes, from 0 up, in the shape ``*batch``. Under ``jit``, one that numbers no class adds
        nothing to the loss.

    Returns
    -------
    Float[Array, ""]
        The mean over all examples.

    Raises
    ------
    ValueError
        If ``labels`` do not have the shape of ``outputs`` without its last axis, there are none, or one
        numbers no class.

    References
    ----------
    Prince (2023), section 5.5, equation 5.24.

    Examples
    --------
    >>> cross_entropy(jnp.zeros((3, 10)), jnp.array([1, 2, 3]))
    Array(2.3025851, dtype=float32)
    """
    outputs, labels = _check_labels(outputs, labels)
    # Optax picks each label's output by a gather, which with its gradient takes longer to compile.
    is_label = labels[..., None] == jnp.arange(outputs.shape[-1])
    return -jnp.sum(jnp.where(is_label, jax.nn.log_softmax(outputs), 0)) / labels.size


def percent_wrong(
    outputs: Num[Array | np.ndarray, "*batch classes"], labels: Shaped[Array | np.ndarray, "..."]
) -> Float[Array, ""]:
    """Compute the percentage of examples whose largest output, the first of equals, is not that of their label.

    Parameters
    ----------
    outputs
        Scores of the classes, along the last axis. Where one is NaN, the example counts as wrong.
    labels
        Numbers of the classes, from 0 up, in the shape ``*batch``.

    Returns
    -------
    Float[Array, ""]
        Between 0 and 100, both exact, in the precision of ``outputs``.

    Raises
    ------
    ValueError
        As :func:`cross_entropy`.

    Examples
    --------
    >>> percent_wrong(jnp.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), jnp.array([0, 0, 0, 1]))
    Array(25., dtype=float32)
    """
    outputs, labels = _check_labels(outputs, labels)
    # The first place of the maximum, as argmax has it; but argmax takes a tenth of a training's time on CPUs.
    classes = outputs.shape[-1]
    is_largest = outputs == outputs.max(axis=-1, keepdims=True)
    predicted = jnp.min(jnp.where(is_largest, jnp.arange(classes), classes), axis=-1)
    wrong = jnp.sum(predicted != labels)
    # Whole percents by division of integers: a quotient of floats may exceed 100, a product overflow half precision.
    precision = jnp.promote_types(outputs.dtype, jnp.result_type(float))
    whole, rest = jnp.divmod(100 * wrong, labels.size)
    percent = whole + rest.astype(precision) / labels.size
    return percent.astype(outputs.dtype) if jnp.issubdtype(outputs.dtype, jnp.inexact) else percent


def squared_error(
    outputs: Num[Array | np.ndarray, "batch *features"],
    targets: Num[Array | np.ndarray, "..."],
) -> Float[Array, ""]:
    """Sum the squared differences between ``outputs`` and ``targets``, as the book's loss does.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Prince (2023), section 2.2, equation 2.5.

    Examples
    --------
    >>> squared_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0]))
    Array(4., dtype=float32)
    """
    if jnp.shape(outputs) != jnp.shape(targets):
        raise ValueError(
            f"targets must have the shape of outputs, {jnp.shape(outputs)}, got {jnp.shape(targets)}"
        )
    return jnp.sum((jnp.asarray(outputs) - jnp.asarray(targets)) ** 2)


#: How losses of two halves make the loss of the whole; losses without a word are means.
squared_error.reduction = "sum"
cross_entropy.reduction = percent_wrong.reduction = "mean"


def describe_bad_labels(labels: Shaped[np.ndarray, "..."], classes: int) -> str | None:
    """Say what is wrong with labels that do not number ``classes`` classes; None if nothing is."""
    labels = labels.astype(int) if labels.dtype == bool else labels
    low, high = labels.min(), labels.max()
    if not (low >= 0 and high < classes):  # so that a NaN is told, too
        return f"labels must lie in 0..{classes - 1}, got values from {low:g} to {high:g}"
    if (labels != np.round(labels)).any():
        return f"labels must be whole numbers, got {labels[labels != np.round(labels)].flat[0]:g}"
    return None


def _check_labels(outputs, labels):
    outputs, labels = jnp.asarray(outputs), jnp.asarray(labels)
    if outputs.ndim < 1 or labels.shape != outputs.shape[:-1]:
        raise ValueError(
            f"labels must have the shape of outputs without the classes, {outputs.shape[:-1]}, got {labels.shape}"
        )
    if outputs.size == 0:
        raise ValueError(f"outputs must have examples and classes, got the shape {outputs.shape}")
    if not isinstance(labels, jax.core.Tracer):
        wrong = describe_bad_labels(np.asarray(labels), outputs.shape[-1])
        if wrong:
            raise ValueError(wrong)
    return outputs, labels
