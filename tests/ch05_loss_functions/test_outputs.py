import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch05_loss_functions import outputs


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_positive_is_positive_and_smooth_everywhere(precision):
    with jax.enable_x64(True):
        raw = jnp.array([-1e6, -200, -1, 0, 1, 200, 1e6], precision)
        assert outputs.positive(raw).dtype == precision
        assert jnp.all(outputs.positive(raw) > 0)
        slopes = jax.vmap(jax.grad(outputs.positive))(raw)
        assert jnp.all((slopes >= 0) & (slopes <= 1))


def test_positive_rises_and_keeps_large_numbers():
    raw = jnp.linspace(-5, 40, 200)
    assert jnp.all(jnp.diff(outputs.positive(raw)) > 0)
    np.testing.assert_allclose(outputs.positive(raw[-20:]), raw[-20:], rtol=1e-6)


def test_columns_are_put_together_again():
    raw = jnp.arange(24.0).reshape(2, 4, 3)
    assert jnp.array_equal(jnp.stack(outputs.columns(raw, 3, "t"), axis=-1), raw)


@pytest.mark.parametrize("width", [1, 3])
def test_wrong_number_of_outputs_is_told(width):
    with pytest.raises(ValueError, match=f"the normal distribution takes 2 outputs an example, got {width}"):
        outputs.columns(jnp.zeros((5, width)), 2, "normal")


def test_require_shows_the_first_that_fails():
    y = jnp.array([1.0, -2.0, -3.0])
    with pytest.raises(ValueError, match=r"y must be 0 or more, got -2\.0"):
        outputs.require(y >= 0, y, "0 or more")


def test_require_passes_over_traced_values():
    def checked(y):
        outputs.require(y >= 0, y, "0 or more")
        return y

    assert jax.jit(checked)(jnp.array(-1.0)) == -1


@pytest.mark.parametrize("value", [0.0, -0.1, float("nan")])
@pytest.mark.parametrize("wrap", [float, jnp.asarray, lambda value: jnp.array([1.0, value])])
def test_what_is_not_positive_is_told(value, wrap):
    with pytest.raises(ValueError, match=f"rate must be positive, got {value}"):
        outputs.require_positive("rate", wrap(value))
