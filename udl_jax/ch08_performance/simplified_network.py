"""The data and the network of figures 8.3 and 8.4: one input, joints that stand still, a fit in closed form."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked

#: The notebook writes pi so, and the last digit shows in every number.
BOOK_PI = 3.1413


class Data(NamedTuple):
    """One or several data sets: inputs in rising order, and noisy outputs."""

    x: Float[Array, "*sets examples"]
    y: Float[Array, "*sets examples"]


@checked
def true_function(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Evaluate what the data come from: :math:`\exp[\sin(2\pi x)]`, with the notebook's :math:`\pi`, 3.1413."""
    return jnp.exp(jnp.sin(x * (2 * BOOK_PI)))


@checked
def make_data(
    uniforms: Float[Array, "*sets examples"],
    normals: Float[Array, "*sets examples"],
    noise: Num[ArrayLike, ""] = 0.3,
) -> Data:
    """Turn draws into data sets whose inputs are spread over [0, 1], one in each of as many equal parts.

    Parameters
    ----------
    uniforms
        Uniform in [0, 1): where in its part each input lies.
    normals
        Standard normal draws.
    noise
        Standard deviation of the outputs, not negative.

    Returns
    -------
    Data
        Inputs and outputs.

    Raises
    ------
    ValueError
        If the two arrays are empty or differ in shape, or ``noise`` is negative.

    References
    ----------
    Prince (2023), section 8.2, figure 8.3; notebook 8.2.

    Examples
    --------
    >>> make_data(jnp.array([0.0, 0.5]), jnp.zeros(2)).x
    Array([0.  , 0.75], dtype=float32)
    """
    noise = _checks.number("noise", noise, least=0.0)
    examples = uniforms.shape[-1]
    x = (np.arange(examples) + uniforms) / examples
    return Data(x, true_function(x) + _checks.like(noise, normals) * normals)


@checked
def sample_data(key: Key[Array, ""], shape: Sequence[int], noise: Num[ArrayLike, ""] = 0.3) -> Data:
    """Draw data sets for :func:`make_data`; ``shape`` ends with the number of examples in each."""
    key_x, key_y = jax.random.split(key)
    return make_data(jax.random.uniform(key_x, shape), jax.random.normal(key_y, shape), noise)


@checked(may_be_empty=("x",))
def design_matrix(
    x: Float[Array, " examples"], hidden: Int[ArrayLike, ""], columns: int | None = None
) -> Float[Array, "examples columns"]:
    r"""Compute what the network weights: a one, and the hidden units, whose joints are spread over [0, 1).

    Parameters
    ----------
    x
        Inputs.
    hidden
        Number of hidden units.
    columns
        Number of columns, static. By default one more than there are units; columns beyond are zero, so that
        networks of different sizes have matrices of one shape.

    Returns
    -------
    Float[Array, "examples columns"]
        Ones, then :math:`\mathrm{ReLU}[x - j/D]` for :math:`j` from 0 to :math:`D-1`.

    Raises
    ------
    ValueError
        If ``hidden`` is less than 1, or ``columns`` is not more than ``hidden``.

    References
    ----------
    Prince (2023), section 8.2, figure 8.4.

    Examples
    --------
    >>> design_matrix(jnp.array([0.25, 1.0]), 2)
    Array([[1.  , 0.25, 0.  ],
           [1.  , 1.  , 0.5 ]], dtype=float32)
    """
    if columns is None:
        columns = _checks.count("hidden", hidden) + 1
    elif not _checks.is_traced(hidden) and not 1 <= _checks.count("hidden", hidden) < columns:
        raise ValueError(f"hidden must lie in 1..{columns - 1}, got {hidden}")
    unit = np.arange(columns - 1)
    lines = x[:, None] - (unit / hidden).astype(x.dtype)
    activations = jnp.where(unit < hidden, jax.nn.relu(lines), 0)
    return jnp.concatenate([jnp.ones_like(activations[:, :1]), activations], axis=1)


@checked
def fit(
    x: Float[Array, " examples"],
    y: Float[Array, " examples"],
    hidden: Int[ArrayLike, ""],
    columns: int | None = None,
) -> Float[Array, " columns"]:
    """Fit the network by least squares.

    Where the data leave parameters open, because they are too few or lie badly, these are the smallest
    ones that fit, as from ``numpy.linalg.lstsq``.

    Parameters
    ----------
    x, y
        Training pairs.
    hidden, columns
        As in :func:`design_matrix`.

    Returns
    -------
    Float[Array, " columns"]
        The parameters: bias, then the weight of each hidden unit; zero for columns beyond.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` are empty or of different lengths, or ``hidden`` or ``columns`` is out of range.

    References
    ----------
    Prince (2023), section 8.2, figure 8.4; notebook 8.2.

    Examples
    --------
    >>> x = jnp.array([0.0, 0.25, 0.5, 1.0])
    >>> fit(x, 2 + 3 * x, hidden=1).round().tolist()
    [2.0, 3.0]
    """
    return least_squares(design_matrix(x, hidden, columns), y)


@checked
def least_squares(matrix: Float[Array, "rows columns"], y: Float[Array, " rows"]) -> Float[Array, " columns"]:
    r"""Minimise :math:`\|\mathbf{A}\boldsymbol\phi - \mathbf{y}\|^2`; of several solutions, return the smallest.

    Parameters
    ----------
    matrix
        :math:`\mathbf{A}`, of any rank: directions in which it is zero to rounding are left out.
    y
        :math:`\mathbf{y}`.

    Returns
    -------
    Float[Array, " columns"]
        :math:`\boldsymbol\phi`, as from ``numpy.linalg.lstsq``. It can be differentiated wherever the rank does not change.

    Examples
    --------
    >>> least_squares(jnp.array([[2.0, 0.0], [0.0, 0.0]]), jnp.array([4.0, 1.0])).round().tolist()
    [2.0, 0.0]
    """
    cutoff = max(matrix.shape) * jnp.finfo(matrix.dtype).eps
    return jnp.linalg.pinv(matrix, rtol=cutoff) @ y


@checked(may_be_empty=("x",))
def predict(
    phi: Float[Array, " columns"],
    x: Float[Array, " examples"],
    hidden: Int[ArrayLike, ""] | None = None,
) -> Float[Array, " examples"]:
    """Run the network whose parameters :func:`fit` found; ``hidden`` as there, by default one less than ``phi`` has."""
    return design_matrix(x, len(phi) - 1 if hidden is None else hidden, len(phi)) @ phi
