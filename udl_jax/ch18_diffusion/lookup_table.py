r"""A model without parameters to speak of: cut a line into bins, and remember the average of each."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked


class Table(NamedTuple):
    """What has been remembered.

    Attributes
    ----------
    values
        One for each bin; or, for several tables at once, one row for each.
    limit
        The bins cover everything from minus this to this, and all are of the same width.
    """

    values: Float[Array, "*tables bins"]
    limit: Float[Array, ""]


@checked
def fit(
    z: Float[Array, " samples"],
    target: Float[Array, " samples"],
    bins: int = 600,
    limit: Num[ArrayLike, ""] = 3.0,
    *,
    extra: Num[ArrayLike, ""] = 1,
) -> Table:
    r"""Remember the average target of the samples in each bin.

    Parameters
    ----------
    z
        Inputs. Those beyond the limits count in the outermost bins.
    target
        What to predict from them.
    bins
        Number of bins; static under ``jit``. The notebooks' 600 are 0.01 wide.
    limit
        The bins end at this on either side of zero; positive.
    extra
        Added to the number of samples in each bin before the division, not negative. The notebooks' 1 keeps empty
        bins at zero without a case of their own, and makes all others a little too small. With 0, empty bins are
        zero, and others are averages.

    Returns
    -------
    Table
        One value for each bin.

    Raises
    ------
    ValueError
        If ``z`` and ``target`` differ in length, there are no bins, or ``limit`` or ``extra`` is out of range.

    References
    ----------
    Notebooks 18.2 to 18.4.

    Examples
    --------
    >>> table = fit(jnp.array([-2.0, -1.0, 1.0]), jnp.array([2.0, 4.0, 9.0]), bins=2)
    >>> print(table.values)  # 6/(2+1) and 9/(1+1)
    [2.  4.5]
    """
    _checks.count("bins", bins)
    limit = _checks.number("limit", limit, above=0.0)
    extra = _checks.number("extra", extra, least=0.0)
    where = _bins(z, limit, bins)
    total = jax.ops.segment_sum(target, where, bins)
    count = jax.ops.segment_sum(jnp.ones_like(z), where, bins)
    known = count + _checks.like(extra, z)
    return Table(total / jnp.where(known > 0, known, 1), jnp.asarray(limit, z.dtype))


@checked
def look_up(table: Table, z: Float[Array, "*samples"]) -> Float[Array, "*samples"]:
    """Find what a table remembers of the bin of each input; beyond the limits, that of the outermost bin.

    Parameters
    ----------
    table
        From :func:`fit`.
    z
        Inputs.

    Returns
    -------
    Float[Array, "*samples"]
        One value for each input.

    Raises
    ------
    ValueError
        If there are several tables instead of one.

    Examples
    --------
    >>> print(look_up(Table(jnp.array([2.0, 4.5]), 3.0), jnp.array([-7.0, 0.1])))
    [2.  4.5]
    """
    if np.ndim(table.values) != 1:
        raise ValueError(f"table must be one table, got values of the shape {np.shape(table.values)}")
    return jnp.asarray(table.values)[_bins(z, table.limit, len(table.values))].astype(z.dtype)


def table_at(tables: Table, t) -> Table:
    """Take the table of time ``t``, from 1, out of several."""
    return tables._replace(values=jax.lax.dynamic_index_in_dim(tables.values, t - 1, keepdims=False))


def _bins(z, limit, bins):
    limit = _checks.like(limit, z)
    places = jnp.floor((z + limit) / (2 * limit / bins))
    return jnp.clip(places, 0, bins - 1).astype(np.int32)
