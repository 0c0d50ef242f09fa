"""What `checked` makes of arguments, and what it refuses: it stands before all functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Bool, Float, Int, Key

from udl_jax import _checks
from udl_jax._annotations import checked


@checked(may_be_empty=("c",))
def echo(
    x: Float[Array, "*batch size"] = 0.0,
    w: Float[Array, " size"] = 0.0,
    c: Int[Array, " counts"] = 0,
    b: Bool[Array, ""] = False,
    s: float | Float[Array, ""] = 1.0,
    n: int = 2,
    key: Key[Array, ""] | None = None,
):
    return x, w, c, b, s, n, key


def test_arrays_lists_and_numpy_become_arrays_of_the_kind():
    x, w, *_ = echo([[1, 2]], np.array([1, 2], "uint8"))
    assert x.dtype == w.dtype == jnp.result_type(float)
    assert echo(jnp.ones(2, "bfloat16"), [1, 2])[1].dtype == "bfloat16"
    assert echo(c=np.array([1, 255], "uint8"))[2].dtype == "int32"


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int8(2), np.array(2.0), 2, True])
def test_numbers_do_not_decide_a_dtype(number):
    assert type(echo(s=number)[4]) is float


@pytest.mark.parametrize("number", [2, np.int64(2), np.uint8(2), jnp.array(2)])
def test_integers_become_pythons(number):
    assert type(echo(n=number)[5]) is int


def test_keys_of_both_kinds_are_the_same():
    old, new = (echo(key=make(3))[6] for make in (jax.random.PRNGKey, jax.random.key))
    assert jax.random.normal(old) == jax.random.normal(new)


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (
            {"x": np.ones((3, 2)), "w": np.ones(3)},
            ValueError,
            r"w must have the shape \(size\), where size is 2 as in x",
        ),
        ({"w": np.ones((2, 1))}, ValueError, r"w must have the shape \(size\), got \(2, 1\)"),
        ({"w": []}, ValueError, r"w must not be empty, got the shape \(0,\)"),
        ({"w": "two"}, TypeError, "w must be an array of real numbers, got 'two'"),
        ({"w": [1j]}, TypeError, "w must be an array of real numbers"),
        ({"c": [1.0]}, TypeError, "c must hold integers, got float32"),
        ({"b": 1}, TypeError, "b must hold booleans, got int32"),
        ({"s": [1.0]}, TypeError, "s must be a real number"),
        ({"s": np.ones(1)}, ValueError, "s must be one number"),
        ({"n": 2.0}, TypeError, "n must be an integer, got 2.0"),
        ({"n": True}, TypeError, "n must be an integer, got True"),
        ({"key": 0}, TypeError, "key must come from jax.random.key, got 0"),
    ],
)
def test_what_does_not_fit_is_told_by_name(arguments, error, told):
    with pytest.raises(error, match=told):
        echo(**arguments)


def test_shapes_are_looked_at_while_traced_and_integers_must_not_be():
    with pytest.raises(ValueError, match="w must have the shape"):
        jax.jit(echo)(jnp.ones((3, 2)), jnp.ones(3))
    with pytest.raises(TypeError, match="n must be known before anything is compiled"):
        jax.jit(lambda n: echo(n=n))(2)


def test_python_numbers_stay_weak_while_traced():
    with jax.enable_x64(True):
        dtype = jax.jit(lambda x, s: _checks.like(s, x) * x)(jnp.ones(2, "float32"), 0.1).dtype
    assert dtype == "float32"


def test_nan_and_infinity_are_out_of_range():
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="rate must"):
            _checks.number("rate", value, least=0)
