"""What a training minimises and what it reports, as functions of a network's outputs."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cross_entropy(outputs: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, ""]:
    """Compute the mean cross-entropy, in nats, of the softmax of ``outputs``.

    A label that numbers no column adds nothing to the loss; the engine refuses such labels.

    References
    ----------
    Prince (2023), section 5.5, equation 5.24.

    Examples
    --------
    >>> cross_entropy(jnp.zeros((3, 10)), jnp.array([1, 2, 3]))
    Array(2.3025851, dtype=float32)
    """
    # Optax picks each label's output by a gather, which with its gradient takes longer to compile.
    is_label = labels[:, None] == jnp.arange(outputs.shape[-1])
    return -jnp.sum(jnp.where(is_label, jax.nn.log_softmax(outputs), 0)) / len(labels)


def percent_wrong(outputs: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, ""]:
    """Compute the percentage of examples whose largest output, the first of equals, is not that of their label.

    Examples
    --------
    >>> percent_wrong(jnp.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), jnp.array([0, 0, 0, 1]))
    Array(25., dtype=float32)
    """
    # The first place of the maximum, as argmax has it; but argmax takes a tenth of a training's time on CPUs.
    classes = outputs.shape[-1]
    is_largest = outputs == outputs.max(axis=-1, keepdims=True)
    predicted = jnp.min(jnp.where(is_largest, jnp.arange(classes), classes), axis=-1)
    return 100 * jnp.sum(predicted != labels).astype(outputs.dtype) / len(labels)


def squared_error(
    outputs: Float[Array, "batch *features"], targets: Float[Array, "batch *features"]
) -> Float[Array, ""]:
    """Sum the squared differences between ``outputs`` and ``targets``, as the book's loss does.

    References
    ----------
    Prince (2023), section 2.2, equation 2.5.

    Examples
    --------
    >>> squared_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0]))
    Array(4., dtype=float32)
    """
    return jnp.sum((outputs - targets) ** 2)
