import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import logistic

from udl_jax.ch16_flows import flow_1d
from udl_jax.ch16_flows.logistic_flow import LogisticFlow

FLOW = LogisticFlow(3)
PARAMS = {
    "params": {
        "logits": jnp.array([0.0, 1.0, -1.0]),
        "centres": jnp.array([-2.0, 0.5, 1.0]),
        "log_widths": jnp.array([-1.0, 0.2, -2.0]),
    }
}


def test_density_is_that_of_a_mixture_of_logistic_distributions():
    x = np.linspace(-5, 5, 41, dtype="f")
    weights = jax.nn.softmax(PARAMS["params"]["logits"])
    widths = np.exp(PARAMS["params"]["log_widths"])
    parts = logistic.pdf(x[:, None], PARAMS["params"]["centres"], widths)
    np.testing.assert_allclose(FLOW.apply(PARAMS, x), np.log(parts @ weights), rtol=1e-4, atol=1e-5)


def test_density_is_the_slope_of_the_way_to_the_uniform_variable():
    x = np.linspace(-4, 4, 21, dtype="f")
    to_uniform = lambda x: FLOW.apply(PARAMS, x, method=FLOW.to_uniform)  # noqa: E731
    np.testing.assert_allclose(
        FLOW.apply(PARAMS, x), jnp.log(flow_1d.slope(to_uniform, x)), rtol=1e-3, atol=1e-4
    )


def test_what_comes_back_from_uniform_draws_has_the_density():
    to_uniform = lambda x: FLOW.apply(PARAMS, x, method=FLOW.to_uniform)  # noqa: E731
    z = np.array([0.01, 0.4, 0.99], np.float32)
    x = flow_1d.inverse(to_uniform, z, -30.0, 30.0)
    np.testing.assert_allclose(to_uniform(x), z, rtol=1e-5)


def test_start_spreads_the_centres_and_far_points_stay_finite():
    variables = FLOW.init(jax.random.key(0), jnp.zeros(2))
    np.testing.assert_allclose(variables["params"]["centres"], [-3, 0, 3])
    far = FLOW.apply(variables, np.array([-1e4, 1e4], np.float32))
    assert np.isfinite(far).all()
