import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch08_performance import simplified_network as network

RANDOM = np.random.default_rng(0)
X = np.sort(RANDOM.random(12)).astype(np.float32)
Y = RANDOM.normal(size=12).astype(np.float32)


def test_true_function_turns_at_a_quarter_and_at_three_quarters():
    np.testing.assert_allclose(
        network.true_function(jnp.array([0.0, 0.25, 0.75])), [1, np.e, 1 / np.e], rtol=1e-3
    )


def test_each_part_of_the_interval_gets_one_input():
    x, _ = network.sample_data(jax.random.key(0), (50, 15))
    np.testing.assert_array_equal(np.floor(np.asarray(x) * 15), np.tile(np.arange(15), (50, 1)))


def test_without_noise_the_outputs_are_the_function():
    x, y = network.sample_data(jax.random.key(0), (4, 6), noise=0.0)
    np.testing.assert_array_equal(y, network.true_function(x))


def test_noise_has_its_deviation():
    x, y = network.sample_data(jax.random.key(0), (2000, 10), noise=0.7)
    rest = y - network.true_function(x)
    assert abs(rest.std() - 0.7) < 0.01
    assert abs(rest.mean()) < 0.02


def test_data_keep_the_dtype_of_their_draws():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            data = network.make_data(np.zeros(3, dtype), np.zeros(3, dtype))
            assert {part.dtype for part in data} == {jnp.dtype(dtype)}


def test_hidden_units_bend_at_their_joints_and_are_zero_before():
    matrix = network.design_matrix(np.array([0.0, 0.4, 1.0], np.float32), 4)
    np.testing.assert_allclose(
        matrix, [[1, 0, 0, 0, 0], [1, 0.4, 0.15, 0, 0], [1, 1, 0.75, 0.5, 0.25]], rtol=1e-6, atol=1e-7
    )


def test_columns_beyond_the_units_are_zero_and_change_nothing():
    narrow, wide = network.design_matrix(X, 3), network.design_matrix(X, 3, columns=7)
    np.testing.assert_array_equal(wide, np.pad(narrow, ((0, 0), (0, 3))))
    phi = network.fit(X, Y, 3, columns=7)
    np.testing.assert_allclose(phi[:4], network.fit(X, Y, 3), atol=1e-4)
    np.testing.assert_allclose(phi[4:], 0, atol=1e-5)
    np.testing.assert_allclose(network.predict(phi, X, 3), network.predict(phi[:4], X), atol=1e-4)


def test_number_of_units_may_be_traced():
    ours = jax.jit(jax.vmap(lambda n: network.fit(X, Y, n, columns=6)))(jnp.arange(1, 6))
    np.testing.assert_allclose(ours[2, :4], network.fit(X, Y, 3), atol=1e-4)


def test_functions_of_the_network_are_found_again():
    phi = jnp.array([0.5, -1.0, 3.0, 2.0])
    np.testing.assert_allclose(network.fit(X, network.predict(phi, X), 3), phi, rtol=1e-3)


def test_fit_is_the_best_of_all_parameters():
    phi = network.fit(X, Y, 4)
    gradient = jax.grad(lambda phi: jnp.sum((network.predict(phi, X) - Y) ** 2))(phi)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)


@pytest.mark.parametrize("x", [X[:3], np.full(5, 0.5, np.float32)])
def test_with_too_few_examples_the_smallest_parameters_are_taken(x):
    y = Y[: len(x)]
    smallest = np.linalg.lstsq(np.asarray(network.design_matrix(x, 6), np.float64), y, rcond=1e-6)[0]
    np.testing.assert_allclose(network.fit(x, y, 6), smallest, atol=1e-3)


def test_fit_follows_its_data_smoothly():
    with jax.enable_x64(True):
        x, y = X.astype(np.float64), Y.astype(np.float64)

        def loss(x, y):
            return jnp.sum(network.fit(x, y, 3) ** 2)

        for argument in (0, 1):
            gradient = jax.grad(loss, argument)(x, y)
            step = 1e-6 * np.eye(12)[4]
            moved = [np.array([x, y]) + sign * np.eye(2)[argument][:, None] * step for sign in (1, -1)]
            slope = (loss(*moved[0]) - loss(*moved[1])) / 2e-6
            np.testing.assert_allclose(gradient[4], slope, rtol=1e-5)


def test_gradient_is_finite_where_the_data_leave_parameters_open():
    gradient = jax.grad(lambda x: jnp.sum(network.fit(x, Y[:3], 6)))(X[:3])
    assert jnp.all(jnp.isfinite(gradient))


def test_impossible_numbers_of_units_are_told():
    with pytest.raises(ValueError, match=r"hidden must lie in 1..6, got 7"):
        network.design_matrix(X, 7, columns=7)
    for columns in (None, 7):
        with pytest.raises(ValueError, match="hidden must be at least 1, got 0"):
            network.design_matrix(X, 0, columns)
    with pytest.raises(TypeError, match="hidden must be known before anything is compiled"):
        jax.jit(network.design_matrix)(X, 3)


def test_lengths_that_differ_are_told():
    with pytest.raises(
        ValueError, match=r"y must have the shape \(examples\), where examples is 12 as in x, got \(11,\)"
    ):
        network.fit(X, Y[:11], 3)
    with pytest.raises(ValueError, match="x must not be empty"):
        network.fit(X[:0], Y[:0], 3)
    with pytest.raises(ValueError, match=r"normals must have the shape .* as in uniforms, got \(4,\)"):
        network.make_data(np.zeros(3), np.zeros(4))


@pytest.mark.parametrize("noise", [-0.1, float("nan")])
def test_negative_noise_is_told(noise):
    with pytest.raises(ValueError, match="noise must not be negative"):
        network.make_data(np.zeros(3), np.zeros(3), noise)
