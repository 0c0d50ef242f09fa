import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.counting import compilations
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import load_mnist1d

SHORT = mnist1d.Settings(hidden=(20,), batch=50, epochs=6, decay_every=2)


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=500)


def test_the_book_s_network_has_its_number_of_parameters():
    widths = (40, 100, 100, 10)
    params = mnist1d.he_uniform(jnp.zeros(40 * 100 + 100 * 100 + 100 * 10), widths)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 15_210


def test_he_uniform_has_he_s_variance_and_no_bias():
    widths = (30, 200, 400)
    draws = jax.random.uniform(jax.random.key(0), (30 * 200 + 200 * 400,))
    for k, layer in enumerate(mnist1d.he_uniform(draws, widths).values()):
        np.testing.assert_allclose(layer["kernel"].var() * widths[k], 2, rtol=0.05)
        assert jnp.abs(layer["kernel"]).max() <= np.sqrt(6 / widths[k])
        assert jnp.all(layer["bias"] == 0)


def test_he_uniform_is_distributed_as_flax_s():
    recipe = mnist1d.make_recipe()
    flax = recipe.model.init(jax.random.key(0), jnp.zeros((1, 40)))["params"]
    ours = mnist1d.he_uniform(jax.random.uniform(jax.random.key(1), (15_000,)), (40, 100, 100, 10))
    assert jax.tree.map(jnp.shape, ours) == jax.tree.map(jnp.shape, flax)
    quantiles = jnp.linspace(0, 1, 11)
    for name in flax:
        a, b = (jnp.quantile(params[name]["kernel"], quantiles) for params in (ours, flax))
        np.testing.assert_allclose(a, b, atol=0.05)


def test_number_of_draws_is_checked():
    with pytest.raises(ValueError, match=r"widths \(2, 3\) has 6 weights, got 5 draws"):
        mnist1d.he_uniform(jnp.zeros(5), (2, 3))


def test_learning_rate_is_halved_at_the_right_steps():
    """The recipe's schedule shows in a step with gradient one and no momentum yet."""
    optimiser = mnist1d.make_recipe(mnist1d.Settings(momentum=0.0)).optimiser
    phi = jnp.zeros(())
    state = optimiser.init(phi)

    def step(state, _):
        update, state = optimiser.update(jnp.ones(()), state, phi)
        return state, -update

    _, rates = jax.lax.scan(step, state, length=2000)
    expected = 0.05 * 0.5 ** (np.arange(2000) // 400)
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_training_beats_guessing(data):
    fit = mnist1d.train_network(jax.random.key(0), data, SHORT)
    assert fit.history.train.error[-1] < 60
    assert fit.history.train.loss[-1] < fit.history.train.loss[0]
    assert fit.state.epoch == 6


def test_seeds_are_the_trainings_of_their_keys(data):
    keys = jax.random.split(jax.random.key(1), 2)
    many = mnist1d.train_seeds(keys, data, SHORT)
    for number, key in enumerate(keys):
        one = mnist1d.train_network(key, data, SHORT)
        np.testing.assert_allclose(many.history.train.loss[number], one.history.train.loss, rtol=1e-4)


def test_equal_settings_share_a_recipe():
    assert mnist1d.make_recipe(mnist1d.Settings()) is mnist1d.make_recipe(mnist1d.Settings())


def test_single_precision_data_stay_so_under_x64(data):
    with jax.enable_x64(True):
        fit = mnist1d.train_network(jax.random.key(0), data, SHORT)
        assert {leaf.dtype for leaf in jax.tree.leaves(fit.state.variables)} == {jnp.dtype("float32")}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (10, 0)}, r"hidden\[1\] must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"decay_every": 0}, "decay_every must be at least 1, got 0"),
        ({"decay": 0.0}, "decay must be positive, got 0.0"),
        ({"rate": 0.0}, "rate must be positive, got 0.0"),
        ({"rate": float("nan")}, "rate must be positive, got nan"),
    ],
)
def test_impossible_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        mnist1d.make_recipe(mnist1d.Settings(**settings))


def test_batch_that_does_not_divide_is_told(data):
    with pytest.raises(ValueError, match="a batch of 70 does not divide 400 examples"):
        mnist1d.train_network(jax.random.key(0), data, mnist1d.Settings(batch=70))


@pytest.mark.parametrize(("remainder", "steps"), [("drop", 5), ("wrap", 6)])
def test_remainder_says_what_happens_to_the_last_batch(data, remainder, steps):
    settings = mnist1d.Settings(hidden=[8], batch=70, epochs=4, decay_every=2, decay=0.1, remainder=remainder)
    fit = mnist1d.train_network(jax.random.key(0), data, settings)
    assert int(fit.state.optimiser[1].count) == 4 * steps
    assert fit.history.test.loss.shape == (4,)


def test_decay_of_one_keeps_the_rate(data):
    kept = mnist1d.Settings(hidden=(8,), batch=50, epochs=4, decay_every=1, decay=1.0)
    never = mnist1d.Settings(hidden=(8,), batch=50, epochs=4, decay_every=100)
    ours, theirs = (mnist1d.train_network(jax.random.key(0), data, settings) for settings in (kept, never))
    jax.tree.map(np.testing.assert_array_equal, ours.history, theirs.history)


def test_single_width_is_told():
    with pytest.raises(TypeError, match="hidden"):
        mnist1d.Settings(hidden=4)


def test_no_keys_are_told(data):
    with pytest.raises(ValueError, match="keys must not be empty"):
        mnist1d.train_seeds(jax.random.split(jax.random.key(0), 0), data, SHORT)


def test_batch_larger_than_the_data_is_told(data):
    with pytest.raises(ValueError, match="a batch of 500 is larger than the data, which have 400"):
        mnist1d.train_network(jax.random.key(0), data, mnist1d.Settings(batch=500))


@pytest.mark.parametrize("train", ["network", "seeds"])
def test_second_training_compiles_nothing(data, train):
    keys = jax.random.split(jax.random.key(5), 4)
    run = {
        "network": lambda number: mnist1d.train_network(keys[number], data, SHORT),
        "seeds": lambda number: mnist1d.train_seeds(keys[number : number + 2], data, SHORT),
    }[train]
    run(0)
    with compilations() as compiled:
        run(2)
    # Drawing from a key is eager, and the slices of keys above are programs of their own; the training is none of them.
    assert len(compiled) <= 1
