"""Deep networks in matrix form, and the fully connected network that later chapters train."""

from collections.abc import Callable

import jax
from flax import linen as nn
from jaxtyping import Array, Float


class DeepNetwork(nn.Module):
    """Fully connected network: linear layers with an activation between them, none after the last.

    Parameters are ``layer_0`` to ``layer_K``, each with a ``kernel`` (in, out) and a ``bias`` (out,).
    They have the dtype of the input.

    Parameters
    ----------
    widths
        Width of each layer after the input: the hidden layers, then the outputs.
    activation
        Applied to the pre-activations of every hidden layer.
    kernel_init
        Initialiser of the weights; He's, uniform, by default. Biases start at zero.

    References
    ----------
    Prince (2023), section 4.4, equation 4.15, figure 4.6.

    Examples
    --------
    >>> network = DeepNetwork(widths=(100, 100, 10))
    >>> variables = network.init(jax.random.key(0), jax.numpy.zeros((1, 40)))
    >>> variables["params"]["layer_0"]["kernel"].shape
    (40, 100)
    """

    widths: tuple[int, ...]
    activation: Callable[[Array], Array] = jax.nn.relu
    kernel_init: Callable = nn.initializers.he_uniform()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Compute the outputs, one row for each input."""
        for k, width in enumerate(self.widths):
            dense = nn.Dense(width, kernel_init=self.kernel_init, param_dtype=x.dtype, name=f"layer_{k}")
            x = dense(x if k == 0 else self.activation(x))
        return x
