r"""
9.A Four ways to hold a network back
====================================

The network of 8.1 makes almost no mistake on its training data, and is wrong about every third new signal. Dropout, weight decay,
early stopping and ensembles are the everyday remedies. The book explains them in chapter 9 without notebooks of their own; here
each is applied to the same network and the same data. Which of them helps, and what exactly does it improve?

*In the book: sections 9.1.2 and 9.3.1 to 9.3.3, equation 9.5, figures 9.6 to 9.8.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch09_regularization import early_stopping, regularizers
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()

# %%
# What is to be improved
# ----------------------
# Ten networks with two hidden layers of a hundred units are trained as in 8.1, side by side in one program. Two things go
# wrong. The test error stays high, and the test loss rises while the error does not: the networks grow ever more certain of
# their mistakes.

data = load_mnist1d()
train_data, test_data = mnist1d.split(data)
settings = mnist1d.BOOK
recipe = mnist1d.make_recipe()
keys = jax.random.split(jax.random.key(0), 10)
plain = mnist1d.train_seeds(keys, data)
epochs = range(1, settings.epochs + 1)
results = {"nothing": jax.tree.map(lambda leaf: np.asarray(leaf[:, -1]), plain.history.test)}


def states(recipe, seeds=3):
    """Start training with a recipe from the weights of the first networks."""
    variables = [mnist1d.draw_variables(key, data) for key in keys[:seeds]]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *variables)
    return jax.jit(jax.vmap(functools.partial(training.start, recipe)))(stacked)


@jax.jit
def judge(scores):
    """Measure scores, or logarithms of probabilities, of the test data, as the training engine does."""
    return training.Measures(
        training.cross_entropy(scores, test_data.y)[None], training.percent_wrong(scores, test_data.y)[None]
    )


orders = np.stack([training.draw_order(key, 4000, settings.epochs, settings.batch) for key in keys])

# %%
# Dropout
# -------
# In each training step, every hidden unit is left out with probability :math:`p`, and for each example separately. No unit can
# rely on any other. So that the next layer gets the same input on average, the units that stay are enlarged:
#
# .. math:: h'_k = \frac{m_k\,h_k}{1 - p}, \qquad m_k = 1 \text{ with probability } 1 - p, \text{ else } 0.
#
# After training nothing is dropped, and nothing need be scaled. The mask is the random part, so it is an argument; Flax's
# layer, like ours, draws it from a key that each step of the training gets.

h = jax.random.normal(jax.random.key(1), (100, 50))
mask = jax.random.bernoulli(jax.random.key(2), 0.8, h.shape)
dropped = jnp.where(mask, h / 0.8, 0)
print(f"off the library's by {jnp.abs(dropped - regularizers.dropout(h, mask, rate=0.2)).max():.0e}")
many = jax.vmap(lambda key: regularizers.dropout(h, jax.random.bernoulli(key, 0.8, h.shape), 0.2))
mean = many(jax.random.split(jax.random.key(3), 2000)).mean(axis=0)
print(f"mean of 2,000 masks: off the activations by {jnp.abs(mean - h).mean():.3f} on average")

# %%
# Three rates, three seeds each. With dropout the training error stays above zero, and more so the more is dropped. The test
# loss no longer rises. A little dropout lowers the test error, too; too much, and the network learns too slowly.

rates = (0.1, 0.2, 0.4)
dropouts = {}
for rate in rates:
    network = regularizers.DropoutNetwork((100, 100, 10), rate=rate)
    with_dropout = training.Recipe(network, recipe.optimiser)
    step_keys = jax.random.split(jax.random.key(4), orders[:3].shape[:3])
    _, history = training.train_replicas(
        with_dropout, states(with_dropout), train_data, test_data, orders[:3], step_keys
    )
    dropouts[rate] = history
    results[f"dropout {rate}"] = jax.tree.map(lambda leaf: np.asarray(leaf[:, -1]), history.test)

# sphinx_gallery_alt = "With dropout, the training error stays above zero, and the test loss no longer rises."
fig, axes = plt.subplots(1, 3, figsize=(10, 3.2))
for (name, history), colour in zip([("none", plain.history), *dropouts.items()], plotting.COLOURS):
    for ax, values in zip(axes, (history.train.error, history.test.error, history.test.loss)):
        ax.plot(epochs, np.mean(np.asarray(values), axis=0), color=colour, label=f"dropout {name}")
for ax, label in zip(axes, ("training error in %", "test error in %", "test loss in nats")):
    ax.set(xlabel="epoch", ylabel=label, xlim=(0, 50), ylim=(0, None))
axes[0].legend()
plt.show()

# %%
# Weight decay
# ------------
# L2 regularization of a network. The gradient of :math:`\tfrac{\lambda}{2} w^2` is :math:`\lambda w`, so each step makes every
# weight a little smaller; biases are left alone, since they only shift:
#
# .. math:: w \leftarrow w - \alpha \Bigl( \frac{\partial L}{\partial w} + \lambda w \Bigr).
#
# With the book's :math:`\lambda`, in equation 9.5, there is no half, and the same effect needs half the value. The strength can
# be put into the optimiser's state, by ``optax.inject_hyperparams``, and then nine trainings with three strengths are one
# program.

params = mnist1d.draw_variables(keys[0], data)["params"]
zero = jax.tree.map(jnp.zeros_like, params)
decay = regularizers.decay_weights(0.01)
by_hand = 0.01 * params["layer_1"]["kernel"]
ours, _ = decay.update(zero, decay.init(params), params)
print(f"off the library's by {jnp.abs(by_hand - ours['layer_1']['kernel']).max():.0e}")

strengths = (1e-3, 3e-3, 1e-2)
schedule = optax.piecewise_constant_schedule(settings.rate, dict.fromkeys((400, 800, 1200, 1600), 0.5))
decayed = training.Recipe(
    recipe.model,
    optax.inject_hyperparams(
        lambda strength: optax.chain(
            regularizers.decay_weights(strength), optax.sgd(schedule, settings.momentum)
        )
    )(strength=0.0),
)
nine = jax.tree.map(lambda leaf: np.tile(leaf, (3, *[1] * (leaf.ndim - 1))), states(decayed))
nine.optimiser.hyperparams["strength"] = np.repeat(np.array(strengths, np.float32), 3)
_, history = training.train_replicas(decayed, nine, train_data, test_data, np.tile(orders[:3], (3, 1, 1, 1)))
for k, strength in enumerate(strengths):
    results[f"weight decay {strength:g}"] = jax.tree.map(
        lambda leaf, k=k: np.asarray(leaf[3 * k : 3 * k + 3, -1]), history.test
    )

# %%
# Early stopping
# --------------
# Training ends when the loss on examples that it does not see has stopped falling. The test set must not be used for that: a
# fifth of the training data is held out as a validation set. When the validation loss has not fallen for five epochs, training
# stops, and the best weights so far are kept.

kept, held_out = early_stopping.hold_out(jax.random.key(5), train_data, 800)
order = training.draw_order(jax.random.key(6), 3200, settings.epochs, settings.batch)
start = training.start(recipe, mnist1d.draw_variables(keys[0], data))
best, history = early_stopping.train_until_it_worsens(recipe, start, kept, held_out, order, patience=5)
stop = early_stopping.early_stop(history.test.loss, patience=5)
results["early stopping"] = judge(training.predict(recipe.model, best.variables, test_data.x))
_, whole = training.train(recipe, start, kept, held_out, order)

# sphinx_gallery_alt = "The validation loss falls, then rises; a dot marks its lowest point, a dashed line the end of training."
fig, ax = plt.subplots()
ax.plot(epochs, whole.train.loss, color=plotting.TRAIN, label="training")
ax.plot(epochs, whole.test.loss, color=plotting.TEST, label="validation")
ax.plot(stop.best + 1, history.test.loss[stop.best], "o", color="k", label="kept")
ax.axvline(stop.last + 1, color="0.5", ls="--", label="stopped")
ax.set(
    xlabel="epoch",
    ylabel="loss in nats",
    xlim=(0, 50),
    ylim=(0, None),
    title=f"Kept: epoch {stop.best + 1} of 50",
)
ax.legend()
plt.show()

# %%
# An ensemble
# -----------
# The ten networks of the beginning started from other weights and saw other batches, so they make other mistakes. Their
# probabilities are averaged (section 9.3.2), or else what comes before the softmax is.


@jax.jit
def ask_all(variables):
    """Average the probabilities of all networks, and let the library do so in its two ways."""
    outputs = jax.vmap(lambda one: recipe.model.apply(one, test_data.x))(variables)
    together = functools.partial(regularizers.ensemble_probabilities, recipe.model, variables, test_data.x)
    return jax.nn.softmax(outputs).mean(axis=0), {how: together(how) for how in ("probabilities", "logits")}


by_hand, together = ask_all(plain.state.variables)
print(f"off the library's by {np.abs(np.asarray(by_hand) - together['probabilities']).max():.0e}")
for how in ("probabilities", "logits"):
    results[f"ten together, {how}"] = judge(np.log(together[how]))

# %%
# All of them
# -----------
# Test error and test loss at the end, one dot for each network, or for each ensemble. Every remedy lowers the loss, that is, it
# makes the network more honest about its doubts. The error is another matter. Early stopping chose the epoch of the lowest
# loss, when the error was still falling, and it learnt from fewer examples; by error it is the worst. The ensemble is the best,
# at ten times the cost.

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "A row of dots for each method: all lower the test loss; the ensembles have the lowest test error."
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
for row, measures in enumerate(results.values()):
    for ax, values in zip(axes, (measures.error, measures.loss)):
        ax.plot(values, np.full(len(values), row), "o", color=plotting.COLOURS[0], alpha=0.7)
axes[0].set(xlabel="test error in %")
axes[1].set(xlabel="test loss in nats", xlim=(0, None))
axes[0].set_yticks(range(len(results)), results)
axes[0].invert_yaxis()
plt.show()
for name, measures in results.items():
    print(f"{name:28s} error {measures.error.mean():.1f} %, loss {measures.loss.mean():.2f} nats")
