"""Self-attention: each output is a weighted average of values that come from all inputs."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key, UInt32

from udl_jax._annotations import checked
from udl_jax._checks import count


class Attended(NamedTuple):
    """What attention gave.

    Attributes
    ----------
    values
        For each query, the average of the values.
    weights
        Its weights: not negative, and each row sums to one. Rows belong to queries, columns to keys.
    """

    values: Float[Array, "*batch queries outputs"]
    weights: Float[Array, "*batch queries keys"]


class Maps(NamedTuple):
    """The three linear maps of self-attention, in the order in which notebook 12.1 draws them.

    Attributes
    ----------
    omega_q, omega_k, omega_v
        Weights, a row for each output as the book has them.
    beta_q, beta_k, beta_v
        Offsets.
    """

    omega_q: Float[Array, "width inputs"]
    omega_k: Float[Array, "width inputs"]
    omega_v: Float[Array, "outputs inputs"]
    beta_q: Float[Array, " width"]
    beta_k: Float[Array, " width"]
    beta_v: Float[Array, " outputs"]


@checked
def project(
    x: Float[Array | np.ndarray, "*tokens inputs"],
    omega: Float[Array | np.ndarray, "outputs inputs"],
    beta: Float[Array | np.ndarray, " outputs"],
) -> Float[Array, "*tokens outputs"]:
    r"""Apply the same linear map to every token.

    Parameters
    ----------
    x
        Tokens, one in each row. (The book has them in columns.)
    omega, beta
        Weights, a row for each output, and offsets.

    Returns
    -------
    Float[Array, "*tokens outputs"]
        :math:`\boldsymbol\beta + \boldsymbol\Omega\mathbf{x}_n` for each token.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Prince (2023), section 12.2, equations 12.2 and 12.4.

    Examples
    --------
    >>> project(jnp.ones((3, 2)), jnp.array([[1.0, 2.0]]), jnp.array([0.5]))
    Array([[3.5],
           [3.5],
           [3.5]], dtype=float32)
    """
    return x @ omega.T + beta


@checked
def attend(
    q: Float[Array | np.ndarray, "*batch queries width"],
    k: Float[Array | np.ndarray, "*batch keys width"],
    v: Float[Array | np.ndarray, "*batch keys outputs"],
    mask: Bool[Array | np.ndarray, "... queries keys"] | None = None,
    *,
    scaled: bool = True,
) -> Attended:
    r"""Average values, each weighted by how well its key fits the query.

    The largest score is subtracted before the softmax, which changes nothing but that it cannot overflow.

    Parameters
    ----------
    q, k, v
        Queries, keys and values, in rows; further axes in front are batches, or heads.
    mask
        True where a query may look. Its axes in front, if there are any, must fit those of the queries. A query that may
        look nowhere gets zeros.
    scaled
        Divide scores by the square root of the width of a query.

    Returns
    -------
    Attended
        Averages and weights.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If the mask does not consist of booleans.

    References
    ----------
    Prince (2023), section 12.2, equations 12.3 and 12.5; section 12.3.2, equation 12.9.

    Examples
    --------
    A query that both keys fit equally well:

    >>> attend(jnp.array([[1.0, 0.0]]), jnp.ones((2, 2)), jnp.array([[0.0], [4.0]])).values
    Array([[2.]], dtype=float32)
    """
    if mask is not None:
        batch = q.shape[:-2]
        given = mask.shape[:-2]
        fits = len(given) <= len(batch) and all(m in (1, b) for m, b in zip(given[::-1], batch[::-1]))
        if not fits:
            raise ValueError(f"mask must have axes in front that fit those of q, {batch}, got {given}")
    scores = jnp.einsum("...nd,...md->...nm", q, k)
    weights = _softmax(scores * q.shape[-1] ** -0.5 if scaled else scores, mask)
    return Attended(jnp.einsum("...nm,...md->...nd", weights, v), weights)


@checked
def self_attention(
    x: Float[Array | np.ndarray, "*batch tokens inputs"],
    parameters: Maps,
    mask: Bool[Array | np.ndarray, "... tokens tokens"] | None = None,
    *,
    scaled: bool = True,
) -> Attended:
    r"""Let every token attend to all tokens.

    Parameters
    ----------
    x
        Tokens, one in each row.
    parameters
        Of the three maps to queries, keys and values.
    mask, scaled
        As in :func:`attend`.

    Returns
    -------
    Attended
        New tokens, and the weights with which each was made.

    Raises
    ------
    ValueError, TypeError
        As :func:`project` and :func:`attend`.

    References
    ----------
    Prince (2023), section 12.2, equations 12.2 to 12.9; notebook 12.1.

    Examples
    --------
    >>> parameters = draw_parameters(jax.random.key(0), 4)
    >>> new = self_attention(jnp.ones((3, 4)), parameters)
    >>> new.values.shape, new.weights.shape
    ((3, 4), (3, 3))
    """
    q = project(x, parameters.omega_q, parameters.beta_q)
    k = project(x, parameters.omega_k, parameters.beta_k)
    v = project(x, parameters.omega_v, parameters.beta_v)
    return attend(q, k, v, mask, scaled=scaled)


@checked
def draw_parameters(key: Key[Array, ""] | UInt32[Array, "2"], width: int) -> Maps:
    """Draw all parameters from the standard normal distribution, as the notebook does.

    Parameters
    ----------
    key
        Decides the draws.
    width
        Of tokens, queries, keys and values alike; static.

    Returns
    -------
    Maps
        In JAX's default precision.

    Raises
    ------
    ValueError
        If ``width`` is less than 1.
    """
    width = count("width", width)
    matrices = jax.random.normal(key, (3, width, width + 1))
    return Maps(*matrices[..., :-1], *matrices[..., -1])


def causal_mask(tokens: int) -> Bool[Array, "{tokens} {tokens}"]:
    """Make the mask under which no token looks at later ones.

    Parameters
    ----------
    tokens
        How many there are; static.

    Returns
    -------
    Bool[Array, "tokens tokens"]
        True on and below the diagonal.

    Raises
    ------
    ValueError
        If ``tokens`` is less than 1.

    References
    ----------
    Prince (2023), section 12.7.2.

    Examples
    --------
    >>> causal_mask(2)
    Array([[ True, False],
           [ True,  True]], dtype=bool)
    """
    place = np.arange(count("tokens", tokens))
    return jnp.asarray(place[:, None] >= place)


def _softmax(scores, mask):
    """Normalise rows; where a row is masked throughout, return zeros and not 0 / 0."""
    if mask is None:
        return jax.nn.softmax(scores, axis=-1)
    largest = jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True, where=mask, initial=-jnp.inf))
    shifted = jnp.where(mask, scores - jnp.where(jnp.isfinite(largest), largest, 0), 0)
    powers = jnp.where(mask, jnp.exp(shifted), 0)
    total = powers.sum(axis=-1, keepdims=True)
    return powers / jnp.where(total > 0, total, 1)
