import jax
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch16_flows import trained_flows, two_moons
from udl_jax.ch16_flows.coupling import CouplingFlow

FLOW = CouplingFlow(2, 2, 8)
X = np.asarray(two_moons.sample_moons(jax.random.key(0), 200))


def test_training_makes_the_data_more_likely_and_starts_from_the_key_alone():
    first, again = (trained_flows.train_flow(jax.random.key(1), FLOW, X, 60, batch=50) for _ in range(2))
    assert first.history.train.loss[-1] < first.history.train.loss[0]
    jax.tree.map(np.testing.assert_array_equal, first.state.variables, again.state.variables)


def test_training_goes_on_where_it_stopped():
    recipe = trained_flows.make_recipe(FLOW, steps=24)
    start = training.start(recipe, training.initialise(FLOW, jax.random.key(2), X[:2]))
    order = np.random.default_rng(0).integers(0, 200, (6, 4, 50))
    data = training.Examples(X)
    whole, _ = training.train(recipe, start, data, None, order)
    half, _ = training.train(recipe, start, data, None, order[:3])
    rest, _ = training.train(recipe, half, data, None, order[3:])
    jax.tree.map(np.testing.assert_array_equal, whole.variables, rest.variables)


def test_assessment_of_a_flow_that_is_the_identity():
    variables = FLOW.init(jax.random.key(0), X[:2])
    found = trained_flows.assess(FLOW, variables, X, (-6.0, -6.0), (6.0, 6.0))
    expected = 0.5 * np.sum(X**2, axis=1).mean() + np.log(2 * np.pi)
    np.testing.assert_allclose(found.loss, expected, rtol=1e-5)
    np.testing.assert_allclose(found.mass, 1, rtol=1e-5)
    assert found.inverse_error == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trained_flows.make_recipe(FLOW, 0), "steps must be at least 1, got 0"),
        (lambda: trained_flows.make_recipe(FLOW, 5, 0.0), "rate must be positive"),
        (
            lambda: trained_flows.train_flow(jax.random.key(0), FLOW, X[:, 0], 5),
            r"x must have the shape \(points, dimensions\), got \(200,\)",
        ),
        (
            lambda: trained_flows.train_flow(jax.random.key(0), FLOW, X, 5),
            "x must have at least as many points as a batch, 250, got 200",
        ),
        (
            lambda: trained_flows.assess(FLOW, {}, np.zeros((3, 3)), (0.0, 0.0), (1.0, 1.0)),
            r"x must have the shape \(points, 2\), .* got \(3, 3\)",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
