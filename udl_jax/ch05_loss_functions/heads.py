"""Flax heads: what stands on top of a network so that it predicts a distribution instead of a number."""

import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Float, PyTree

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch05_loss_functions.discrete import Bernoulli, Categorical
from udl_jax.ch05_loss_functions.distributions import Distribution, negative_log_likelihood
from udl_jax.ch05_loss_functions.outputs import columns, positive
from udl_jax.ch05_loss_functions.unbounded import Normal


class DistributionHead(nn.Module):
    """A network with any distribution of :data:`~udl_jax.ch05_loss_functions.distributions.TABLE` on top.

    To train it, let :func:`udl_jax.ch05_loss_functions.distributions.negative_log_likelihood` be the loss.

    Parameters
    ----------
    network
        Its outputs become the distribution's parameters, so it must have as many as these need.
    distribution
        A class with ``from_outputs``, such as :class:`udl_jax.ch05_loss_functions.discrete.Poisson`.

    Raises
    ------
    ValueError
        When called, if the network has not as many outputs as the distribution takes.

    References
    ----------
    Prince (2023), section 5.2 (the recipe), figure 5.11.

    Examples
    --------
    >>> import jax
    >>> from udl_jax.ch05_loss_functions.discrete import Poisson
    >>> events = DistributionHead(nn.Dense(1), Poisson)
    >>> rate, _ = events.init_with_output(jax.random.key(0), jnp.zeros((4, 2)))
    >>> rate
    Poisson(rate=Array([0.6931473, 0.6931473, 0.6931473, 0.6931473], dtype=float32))
    """

    network: nn.Module
    distribution: type[Distribution]

    @nn.compact
    @checked
    def __call__(self, x: Float[Array, "*batch inputs"]) -> Distribution:
        """Predict a distribution for each input."""
        return self.distribution.from_outputs(self.network(x))


class GaussianHead(DistributionHead):
    r"""Normal distribution whose variance depends on the input: heteroscedastic regression.

    Of the network's two outputs the first is the mean; the second, made positive, is the standard
    deviation.

    References
    ----------
    Prince (2023), section 5.3.4, equation 5.14, figure 5.5c and d.
    """

    distribution: type[Distribution] = Normal


class ConstantGaussianHead(nn.Module):
    r"""Normal distribution whose variance is the same for all inputs, and learned: homoscedastic regression.

    Its own parameter ``deviation`` is one real number, from which the standard deviation comes by
    :func:`~udl_jax.ch05_loss_functions.outputs.positive`; it starts at zero.

    Parameters
    ----------
    network
        Its one output is the mean.

    Raises
    ------
    ValueError
        When called, if the network has more outputs than one.

    References
    ----------
    Prince (2023), section 5.3.3, equation 5.13, figure 5.5a and b.
    """

    network: nn.Module

    @nn.compact
    @checked
    def __call__(self, x: Float[Array, "*batch inputs"]) -> Normal:
        """Predict a distribution for each input."""
        (mean,) = columns(self.network(x), 1, "normal")
        deviation = self.param("deviation", nn.initializers.zeros, (), x.dtype)
        return Normal(mean, jnp.broadcast_to(positive(deviation), mean.shape))


class BernoulliHead(DistributionHead):
    """Bernoulli distribution: the sigmoid of the network's one output is the probability of label 1.

    References
    ----------
    Prince (2023), section 5.4, equation 5.19, figure 5.8.
    """

    distribution: type[Distribution] = Bernoulli


class CategoricalHead(DistributionHead):
    """Categorical distribution: the softmax of the network's outputs are the probabilities of the labels.

    References
    ----------
    Prince (2023), section 5.5, equation 5.23, figure 5.10.
    """

    distribution: type[Distribution] = Categorical


def fit(
    head: nn.Module,
    variables: dict[str, PyTree],
    data: training.Examples,
    optimiser: optax.GradientTransformation,
    *,
    steps: int,
) -> training.Fit:
    """Fit all parameters of a head and its network by gradient, with all the data in every step.

    Parameters
    ----------
    head
        A head of this module, or any model that returns a distribution.
    variables
        Where to start, as ``head.init`` returns it.
    data
        Inputs, one row each, and observations.
    optimiser
        Any Optax transformation.
    steps
        Number of steps; static under ``jit``.

    Returns
    -------
    training.Fit
        Final state, and the negative log-likelihood after each step.

    Raises
    ------
    ValueError
        If ``steps`` is less than 1; and as :func:`udl_jax.training.train`.

    References
    ----------
    Prince (2023), section 5.2: what notebooks 5.1 to 5.3 do for one parameter, for all of them.
    """
    steps = count("steps", steps)
    recipe = training.Recipe(head, optimiser, loss=negative_log_likelihood, error=None)
    every_point = jnp.tile(jnp.arange(len(data.x)), (steps, 1, 1))
    return training.Fit(*training.train(recipe, training.start(recipe, variables), data, None, every_point))
