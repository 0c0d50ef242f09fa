"""Ensembling: several models, each fitted to a resampled data set, decide together."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch08_performance.simplified_network import design_matrix, least_squares, predict

WAYS = ("mean", "median")
MEANS = ("probabilities", "logits")


@checked
def fit(
    x: Float[Array, " examples"],
    y: Float[Array, " examples"],
    hidden: int,
    ridge: Num[ArrayLike, ""] = 1e-5,
) -> Float[Array, "{hidden}+1"]:
    r"""Fit the network of figure 8.4 by least squares, with a small L2 penalty on the weights but not on the bias.

    The notebook inverts :math:`\mathbf{A}^T\mathbf{A} + \lambda\mathbf{I}`. A resampled data set makes that matrix nearly
    singular, and in single precision nothing would be left of the solution. Here the penalty enters as further rows,
    :math:`\sqrt\lambda\,\mathbf{I}`, of a least squares problem, which has the same solution and half as many digits to lose.

    Parameters
    ----------
    x, y
        Training pairs.
    hidden
        Number of hidden units; static under ``jit``.
    ridge
        Weight :math:`\lambda` of the penalty, not negative.

    Returns
    -------
    Float[Array, "{hidden}+1"]
        Bias, then the weight of each hidden unit; for
        :func:`udl_jax.ch08_performance.simplified_network.predict`.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` are empty or differ in length, ``hidden`` is less than 1, or ``ridge`` is negative.

    References
    ----------
    Prince (2023), section 9.3.2; notebook 9.3.

    Examples
    --------
    >>> x = jnp.array([0.0, 0.25, 0.5, 1.0])
    >>> fit(x, 2 + 3 * x, hidden=1).round(2).tolist()
    [2.0, 3.0]
    """
    ridge = _checks.number("ridge", ridge, least=0.0)
    matrix = design_matrix(x, hidden)
    penalty = jnp.sqrt(jnp.asarray(ridge, matrix.dtype)) * np.eye(hidden, hidden + 1, k=1)
    rows = jnp.concatenate([matrix, penalty.astype(matrix.dtype)])
    return least_squares(rows, jnp.concatenate([y, jnp.zeros(hidden, y.dtype)]))


@checked
def bootstrap(
    x: Float[Array, " examples"],
    y: Float[Array, " examples"],
    indices: Int[Array, "models resampled"],
    x_model: Float[Array, " points"],
    hidden: int,
    ridge: Num[ArrayLike, ""] = 1e-5,
) -> Float[Array, "models points"]:
    """Fit one model to each resampled data set, all at once, and run all of them on the same inputs.

    Parameters
    ----------
    x, y
        Training pairs.
    indices
        Which of them make up each model's data set, in any number and with repetitions.
    x_model
        Inputs to run the models on.
    hidden, ridge
        As in :func:`fit`.

    Returns
    -------
    Float[Array, "models points"]
        What each model says.

    Raises
    ------
    ValueError
        As :func:`fit`; also if ``indices`` name examples that are not there.

    References
    ----------
    Prince (2023), section 9.3.2, figure 9.7; notebook 9.3.
    """
    _checks.values("indices", indices, lambda i: (i >= 0) & (i < len(x)), f"in 0..{len(x) - 1}")
    return jax.vmap(lambda chosen: predict(fit(x[chosen], y[chosen], hidden, ridge), x_model))(indices)


@checked
def sample_indices(key: Key[Array, ""], models: int, examples: int) -> Int[Array, "{models} {examples}"]:
    """Draw for each model as many examples as there are, each from all of them: some twice, some not at all."""
    _checks.count("models", models)
    _checks.count("examples", examples)
    return jax.random.randint(key, (models, examples), 0, examples)


@checked
def combine(predictions: Float[Array, "models *points"], how: str = "mean") -> Float[Array, "*points"]:
    """Make one prediction out of those of all models.

    Parameters
    ----------
    predictions
        From :func:`bootstrap`, or from any models.
    how
        ``"mean"``, or ``"median"``, which a single model that goes astray cannot pull along; static under ``jit``.

    Returns
    -------
    Float[Array, "*points"]
        The combined prediction.

    Raises
    ------
    ValueError
        If there are no models, or ``how`` is another word.

    References
    ----------
    Prince (2023), section 9.3.2, figure 9.7; notebook 9.3.

    Examples
    --------
    >>> said = jnp.array([[1.0], [2.0], [9.0]])
    >>> combine(said), combine(said, "median")
    (Array([4.], dtype=float32), Array([2.], dtype=float32))
    """
    _checks.one_of("how", how, WAYS)
    return jnp.mean(predictions, axis=0) if how == "mean" else jnp.median(predictions, axis=0)


@checked
def combine_classifiers(
    outputs: Float[Array, "models *batch classes"], how: str = "probabilities"
) -> Float[Array, "*batch classes"]:
    """Make one distribution over classes out of those of all models.

    Parameters
    ----------
    outputs
        Network outputs before the softmax, one model along the leading axis.
    how
        ``"probabilities"`` takes their mean, so that a model which is sure cannot overrule the others alone;
        ``"logits"`` takes the mean before the softmax, a geometric mean of the probabilities. Static under ``jit``.

    Returns
    -------
    Float[Array, "*batch classes"]
        Probabilities, which add up to one.

    Raises
    ------
    ValueError
        If there are no models, or ``how`` is another word.

    References
    ----------
    Prince (2023), section 9.3.2, which mentions the mean of the outputs and the mean of what comes before the softmax.

    Examples
    --------
    >>> outputs = jnp.log(jnp.array([[0.5, 0.5], [0.1, 0.9]]))
    >>> combine_classifiers(outputs).round(3).tolist() == combine_classifiers(outputs, "logits").round(3).tolist()
    False
    """
    _checks.one_of("how", how, MEANS)
    if how == "logits":
        return jax.nn.softmax(jnp.mean(outputs, axis=0))
    return jnp.mean(jax.nn.softmax(outputs), axis=0)
