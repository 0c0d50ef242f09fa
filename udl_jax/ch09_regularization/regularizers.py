"""Dropout, weight decay and ensembles, for networks that the training engine trains."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Bool, Float, Num, PyTree

from udl_jax import _checks, training
from udl_jax._annotations import checked
from udl_jax.ch09_regularization.ensembling import combine_classifiers


@checked
def dropout(
    h: Float[Array, "*shape"], kept: Bool[Array, "*mask"], rate: Num[ArrayLike, ""]
) -> Float[Array, "*shape"]:
    r"""Set activations to zero where a mask says so, and make up for it by enlarging the others.

    Parameters
    ----------
    h
        Activations.
    kept
        True for those that stay. An axis of size one drops all along it together, such as whole channels.
    rate
        Probability :math:`p` with which the mask was drawn to drop, from 0 to 1.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`h / (1 - p)` where kept, else 0: on average over masks, :math:`h` itself. At a rate of 1, zeros.

    Raises
    ------
    ValueError
        If ``rate`` is not in [0, 1], or ``kept`` cannot be spread over ``h``.

    References
    ----------
    Prince (2023), section 9.3.3, figure 9.8. There the weights are scaled after training; here, as in all of
    today's libraries, the activations while it goes on.

    Examples
    --------
    >>> dropout(jnp.array([1.0, 2.0, 3.0]), jnp.array([True, False, True]), rate=0.5)
    Array([2., 0., 6.], dtype=float32)
    """
    rate = _probability("rate", rate)
    if jnp.broadcast_shapes(h.shape, kept.shape) != h.shape:
        raise ValueError(f"kept must be spread over h, of the shape {h.shape}, got {kept.shape}")
    share = _checks.like(1.0 - rate, h)
    # Where nothing is kept, nothing must be divided: the gradient would be NaN.
    return jnp.where(kept & (share > 0), h / jnp.where(share > 0, share, 1), 0)


class DropoutNetwork(nn.Module):
    """The network of :class:`~udl_jax.ch04_deep_networks.deep_network.DeepNetwork`, which drops hidden units in training.

    Its parameters have the same names and shapes, so one network's serve the other.

    Parameters
    ----------
    widths
        Width of each layer after the input: the hidden layers, then the outputs.
    rate
        Probability with which each hidden unit is dropped, for each example separately.
    activation
        Applied to the pre-activations of every hidden layer.

    References
    ----------
    Prince (2023), section 9.3.3.

    Examples
    --------
    >>> network = DropoutNetwork(widths=(100, 10), rate=0.5)
    >>> variables = network.init(jax.random.key(0), jnp.zeros((1, 40)))
    >>> network.apply(variables, jnp.ones((3, 40)), train=True, rngs={"dropout": jax.random.key(1)}).shape
    (3, 10)
    """

    widths: tuple[int, ...]
    rate: float = 0.5
    activation: Callable[[Array], Array] = jax.nn.relu

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch inputs"], train: bool = False
    ) -> Float[Array, "*batch outputs"]:
        """Compute the outputs; in training with masks drawn from the stream ``"dropout"``."""
        for k, width in enumerate(self.widths):
            if k > 0:
                x = self.activation(x)
                if train and self.rate > 0:
                    kept = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, x.shape)
                    x = dropout(x, kept, self.rate)
            options = {"kernel_init": nn.initializers.he_uniform(), "param_dtype": x.dtype}
            x = nn.Dense(width, dot_general=training.dot_general, name=f"layer_{k}", **options)(x)
        return x


def decay_weights(strength: Num[ArrayLike, ""], *, biases: bool = False) -> optax.GradientTransformation:
    r"""Add the gradient of an L2 penalty; the first link of an optimiser's chain.

    Parameters
    ----------
    strength
        :math:`\lambda` of the penalty :math:`\tfrac{\lambda}{2}\sum w^2`, not negative, as PyTorch's ``weight_decay`` and
        Optax mean it. The book's, in equation 9.5, is without the half.
    biases
        Whether arrays with a single axis, which biases are, decay as well; in PyTorch they do.

    Returns
    -------
    optax.GradientTransformation
        :math:`g \leftarrow g + \lambda w`.

    Raises
    ------
    ValueError
        If ``strength`` is negative.

    References
    ----------
    Prince (2023), section 9.1.2, equation 9.5.

    Examples
    --------
    >>> params = {"kernel": jnp.full((1, 1), 3.0), "bias": jnp.full(1, 3.0)}
    >>> decay = decay_weights(0.1)
    >>> gradient, _ = decay.update(jax.tree.map(jnp.zeros_like, params), decay.init(params), params)
    >>> print(f"{gradient['kernel'][0, 0]:.1f} {gradient['bias'][0]:.1f}")
    0.3 0.0
    """
    strength = _checks.number("strength", strength, least=0.0)

    def update(gradient, state, params=None):
        if params is None:
            raise ValueError("decay_weights needs to see the weights: give update its params")

        def decayed(g, w):
            return g + _checks.like(strength, w) * w if biases or w.ndim > 1 else g

        return jax.tree.map(decayed, gradient, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def ensemble_probabilities(
    model: nn.Module,
    variables: Mapping[str, PyTree],
    x: Float[Array, "batch *features"],
    how: str = "probabilities",
) -> Float[Array, "batch classes"]:
    """Let networks that were trained side by side decide together.

    Parameters
    ----------
    model
        The network of all of them; static under ``jit``.
    variables
        Along a leading axis ``models``, as :func:`udl_jax.training.train_replicas` leaves them.
    x
        Inputs.
    how
        As in :func:`udl_jax.ch09_regularization.ensembling.combine_classifiers`.

    Returns
    -------
    Float[Array, "batch classes"]
        Probabilities.

    Raises
    ------
    ValueError
        If ``how`` is an unknown word.

    References
    ----------
    Prince (2023), section 9.3.2.
    """
    return combine_classifiers(jax.vmap(lambda one: model.apply(one, x))(variables), how)


def _probability(name, value):
    value = _checks.number(name, value, least=0.0)
    _checks.values(name, value, lambda p: p <= 1, "at most 1")
    return value
