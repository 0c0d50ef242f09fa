"""Networks in which every block adds to what it was given, beside those in which it replaces it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key, PyTree

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, number
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch10_convolution.descent import Descent
from udl_jax.data.mnist1d import Mnist1d

#: The book's way to train it.
DESCENT = Descent()
#: Up to so many blocks are written out when compiled; more are one loop, which takes no longer to compile.
UNROLLED = 5


@dataclasses.dataclass(frozen=True)
class Settings:
    """The network and its training; the defaults are the book's.

    Parameters
    ----------
    blocks
        Number of blocks, each with one linear layer; may be 0.
    width
        Units in all of them.
    classes
        Number of outputs.
    residual
        Whether a block's result is added to what it was given, or replaces it.
    gain
        Factor of the blocks' initial weights; 1 is He's initialisation.
    descent
        How the network is trained.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a count is no integer.

    References
    ----------
    Prince (2023), section 11.2, figure 11.5b.
    """

    blocks: int = 2
    width: int = 100
    classes: int = 10
    residual: bool = True
    gain: float = 1.0
    descent: Descent = DESCENT

    def __post_init__(self):
        count("blocks", self.blocks, least=0)
        for name in ("width", "classes"):
            count(name, getattr(self, name))
        number("gain", self.gain, least=0)


BOOK = Settings()


class Block(nn.Module):
    """ReLU and linear layer, of which the result is added to what came in.

    Parameters
    ----------
    residual, gain
        As in :class:`Settings`.
    normalization
        Makes a layer that is put before the ReLU, or None; called with the units and ``train``.

    References
    ----------
    Prince (2023), section 11.2.1, figure 11.5b.
    """

    residual: bool = True
    gain: float = 1.0
    normalization: Callable[..., nn.Module] | None = None

    @nn.compact
    def __call__(self, h: Float[Array, "batch units"], train: bool) -> tuple[Array, Array]:
        """Return what the block makes of ``h``, twice: to hand on and to keep."""
        z = h if self.normalization is None else self.normalization(name="norm")(h, train)
        new = _linear(h.shape[-1], h.dtype, self.gain)(jax.nn.relu(z))
        h = h + new if self.residual else new
        return h, h


class ResidualNetwork(nn.Module):
    """A linear layer, residual blocks, and a linear layer.

    Parameters are ``first``, ``blocks`` (with a leading axis for the blocks) and ``last``.

    Parameters
    ----------
    blocks, width, classes, residual, gain
        As in :class:`Settings`.
    normalization
        As in :class:`Block`.

    References
    ----------
    Prince (2023), section 11.2, equation 11.5, figure 11.5b.

    Examples
    --------
    >>> network = ResidualNetwork()
    >>> variables = network.init(jax.random.key(0), jnp.zeros((1, 40)))
    >>> sum(leaf.size for leaf in jax.tree.leaves(variables))
    25310
    """

    blocks: int = 2
    width: int = 100
    classes: int = 10
    residual: bool = True
    gain: float = 1.0
    normalization: Callable[..., nn.Module] | None = None

    def __call__(self, x: Float[Array, "batch inputs"], train: bool = False) -> Float[Array, "batch classes"]:
        """Compute the outputs, one row for each input."""
        return self.stages(x, train)[1]

    @nn.compact
    def stages(
        self, x: Float[Array, "batch inputs"], train: bool = False
    ) -> tuple[Float[Array, "places batch units"], Float[Array, "batch classes"]]:
        """Compute what goes into the first block and what comes out of each; and the outputs."""
        h = _linear(self.width, x.dtype, name="first")(x)
        kept = h[None]
        if self.blocks:
            looped = nn.scan(
                Block,
                variable_axes={"params": 0, "batch_stats": 0},
                split_rngs={"params": True},
                in_axes=nn.broadcast,
                length=self.blocks,
                unroll=self.blocks if self.blocks <= UNROLLED else 1,
            )
            h, after = looped(self.residual, self.gain, self.normalization, name="blocks")(h, train)
            kept = jnp.concatenate([kept, after])
        return kept, _linear(self.classes, x.dtype, name="last")(h)


def make_recipe(
    settings: Settings = BOOK,
    *,
    examples: int = 4000,
    normalization: Callable[..., nn.Module] | None = None,
) -> training.Recipe:
    """Make the recipe: network, stochastic gradient descent with momentum, cross-entropy.

    Parameters
    ----------
    settings
        Network and training.
    examples
        Number of training examples, which decides how many steps an epoch has.
    normalization
        As in :class:`Block`.

    Returns
    -------
    training.Recipe
        For :func:`udl_jax.training.train`. Equal settings give the same one, so it is compiled once.

    Raises
    ------
    ValueError
        If a batch is larger than the data.
    """
    return _recipe(settings, examples, normalization)


@functools.cache
def _recipe(settings, examples, normalization):
    shape = settings.blocks, settings.width, settings.classes
    network = ResidualNetwork(*shape, settings.residual, settings.gain, normalization)
    return training.Recipe(network, settings.descent.optimiser(examples))


@checked
def train_network(
    key: Key[Array, ""],
    data: Mnist1d,
    settings: Settings = BOOK,
    *,
    normalization: Callable[..., nn.Module] | None = None,
) -> training.Fit:
    """Train once, from weights and in a batch order drawn from ``key``.

    Parameters
    ----------
    key
        Decides initial weights and batch order.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    settings
        Network and training.
    normalization
        As in :class:`Block`; :class:`~udl_jax.ch11_residual_networks.batch_normalization.BatchNorm` is one.

    Returns
    -------
    training.Fit
        Final weights, and per epoch the loss in nats and the error in percent. Where training blew up, the last
        sound weights, and in ``state.failed_at`` the step.

    Raises
    ------
    ValueError
        As :func:`make_recipe`; also if a batch does not divide the data, and no remainder is told.

    References
    ----------
    Prince (2023), section 11.2; notebook 11.2.
    """
    recipe = make_recipe(settings, examples=len(data.x_train), normalization=normalization)
    return training.fit(key, recipe, *split(data), **settings.descent.loops)


@checked
def train_seeds(
    keys: Key[Array, " seeds"],
    data: Mnist1d,
    settings: Settings = BOOK,
    *,
    normalization: Callable[..., nn.Module] | None = None,
) -> training.Fit:
    """Train once for each key, all at the same time; see :func:`train_network`."""
    recipe = make_recipe(settings, examples=len(data.x_train), normalization=normalization)
    return training.fit_replicas(keys, recipe, *split(data), **settings.descent.loops)


@checked
def unit_variance(h: Float[Array, "*stages batch units"]) -> Float[Array, "*stages"]:
    """Compute each unit's variance over the examples of a batch, averaged over the units.

    References
    ----------
    Prince (2023), section 11.3, figure 11.6; notebook 11.3.

    Examples
    --------
    >>> unit_variance(jnp.array([[0.0, 0.0], [2.0, 4.0]]))
    Array(2.5, dtype=float32)
    """
    return jnp.var(h, axis=-2).mean(axis=-1)


@checked
@functools.partial(jax.jit, static_argnames=("network", "train"))
def stream_variances(
    network: ResidualNetwork,
    variables: Mapping[str, PyTree],
    x: Float[Array, "batch inputs"],
    *,
    train: bool = True,
) -> Float[Array, " places"]:
    """Measure :func:`unit_variance` of the inputs, of what goes into the first block, and after every block.

    Parameters
    ----------
    network, variables
        A network and its variables; the network is static.
    x
        A batch.
    train
        Whether layers that normalize do so by this batch, as in training.

    Returns
    -------
    Float[Array, " places"]
        One number for each place.
    """
    mutable = ["batch_stats"] if train else []
    (kept, _), _ = network.apply(variables, x, train, method="stages", mutable=mutable or ["none"])
    return jnp.concatenate([unit_variance(x)[None], unit_variance(kept)])


def _linear(width, dtype, gain=1.0, name="linear"):
    he = nn.initializers.variance_scaling(2.0 * gain**2, "fan_in", "uniform")
    kernel_init = he if gain else nn.initializers.zeros
    options = {"kernel_init": kernel_init, "param_dtype": dtype, "dot_general": training.dot_general}
    return nn.Dense(width, **options, name=name)
