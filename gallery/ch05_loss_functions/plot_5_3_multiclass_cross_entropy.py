r"""
5.3 A loss for one of many
==========================

With more classes than two, the network puts out a number for each, and the softmax turns them into probabilities that compete: they
add up to one. The loss is minus the logarithm of what the right class got. Exponentials make it fragile, and one small trick,
log-sum-exp, makes it safe.

*In the book: sections 5.2 and 5.5, figures 5.9 to 5.11. Notebook 5.3.*
"""

import itertools
import operator

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork, stages
from udl_jax.ch05_loss_functions import distributions, heads, sweeps
from udl_jax.ch05_loss_functions import multiclass_cross_entropy as mce
from udl_jax.data import toy

plotting.use_book_style()
CLASSES = (plotting.COLOURS[1], plotting.COLOURS[2], plotting.COLOURS[0])

# %%
# Three outputs, three probabilities
# ----------------------------------
# Three hidden units as before, but three outputs, one for each class, that share them. On the right is their softmax; the dots
# below are the training data in the same colours. A curve should be high where the dots have its colour.

x, y = toy.multiclass_classification_points()
x_line = jnp.linspace(0, 1, 400)
theta = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
phi = jnp.array([[2.0, -24.0, -8.0, 50.0], [-2.0, -2.0, 8.0, -30.0], [0.0, 16.0, -8.0, -8.0]])


def draw_probabilities(ax, curves, title):
    """Draw the probabilities of the three classes, and the labels below them."""
    for k, colour in enumerate(CLASSES):
        ax.plot(x_line, curves[:, k], color=colour, label=f"class {k}")
        ax.plot(x[y == k], jnp.full(int((y == k).sum()), -0.06), "o", color=colour, ms=4)
    ax.set(xlim=(0, 1), ylim=(-0.12, 1.05), xlabel="input $x$", title=title)


outputs_line = stages(theta, phi, x_line[:, None]).output
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
for curve, colour in zip(outputs_line.T, CLASSES, strict=True):
    left.plot(x_line, curve, color=colour)
left.set(
    xlim=(0, 1), ylim=(-4, 4), xlabel="input $x$", ylabel="network outputs", title="The notebook's network"
)
draw_probabilities(right, mce.softmax(outputs_line), "Through the softmax")
right.set_ylabel(r"probabilities $\lambda_k$")
right.legend(fontsize=8)
plt.show()

# %%
# The categorical distribution just looks up the probability of the label. Over all twenty points the notebook announces a
# likelihood of 0.000000041 and a negative log-likelihood of 17.015457867.

outputs = stages(theta, phi, x[:, None]).output
example = jnp.tile(jnp.array([0.2, 0.5, 0.3]), (3, 1))
print(
    f"labels 0, 1, 2 where the probabilities are 0.2, 0.5, 0.3: {mce.categorical_probability(jnp.arange(3), example)}"
)
print(
    f"likelihood:              {distributions.likelihood(mce.categorical_probability(y, mce.softmax(outputs))):.9f}"
)
print(f"negative log-likelihood: {mce.cross_entropy(outputs, y):.6f}")

# %%
# The softmax does not mind, the computer does
# --------------------------------------------
# Add the same number to all three outputs and nothing should change: the softmax knows only differences. But an exponential of 89
# is too large for float32, and one of -104 too small. ``cross_entropy`` subtracts the largest output first, which the mathematics
# does not notice and the computer does.

print("added to all outputs    naive loss    safe loss")
for shift in (0.0, 50.0, 100.0, -100.0, -200.0, 1000.0):
    chances = mce.categorical_probability(y, mce.softmax(outputs + shift))
    naive = distributions.naive_negative_log_likelihood(chances)
    print(f"{shift:20.0f} {naive:13.4f} {mce.cross_entropy(outputs + shift, y):12.4f}")

# %%
# Turn one offset
# ---------------
# Of sixteen parameters the notebook turns one, the offset of class 0. The four panels show it at -2, 0, 2 and 4: as the first
# curve rises, it takes probability from the other two. What the notebook does for class 0, one more argument does for the other
# two; all three have their own best value, and the likelihoods peak where the losses have their minima.

offsets = jnp.arange(-2, 6.0, 0.1)
models = mce.softmax(sweeps.outputs_at_offsets(theta, phi, offsets, x_line[:, None]))
swept = [mce.sweep_offset(theta, phi, offsets, x[:, None], y, unit=unit) for unit in range(3)]

fig, axes = plotting.panels(1, 5, size=2.1)
for ax, k in zip(axes[0], (0, 20, 40, 60, int(jnp.argmin(swept[0].negative_log_likelihood))), strict=True):
    draw_probabilities(ax, models[k], rf"$\beta_1 = {offsets[k]:.1f}$")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
axes[0, 4].set_title(axes[0, 4].get_title() + ": best")
axes[0, 0].set_ylabel(r"probabilities $\lambda_k$")
plt.show()

fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
for k, (likelihood, loss) in enumerate(swept):
    best = sweeps.best(offsets, loss)
    print(
        f"class {k}: highest likelihood {likelihood.max():.2e} at {sweeps.best(offsets, -likelihood):4.1f}, ",
        end="",
    )
    print(f"lowest loss {loss.min():.3f} at {best:4.1f}")
    for ax, curve in ((left, likelihood), (right, loss)):
        ax.plot(offsets, curve, color=CLASSES[k], label=f"class {k}")
        ax.axvline(best, color=CLASSES[k], ls=":", lw=1.2)
left.set(xlabel=r"offset of one class", ylabel="likelihood")
right.set(xlabel=r"offset of one class", ylabel="negative log-likelihood", ylim=(0, 60))
right.legend(fontsize=8)
plt.show()

# %%
# Turn everything at once
# -----------------------
# A ``CategoricalHead``, Adam, all sixteen parameters: 17.0 falls to 8.3. The gradient that it follows is as simple as a gradient
# can be: for each output, the probability that the class got, minus 1 if it was right. More hidden units give the curves more
# joints, but they start at random and some starts end badly, so ``vmap`` over the whole fit tries twenty and the best is shown.

data = training.Examples(x[:, None], y)
notebook = {"params": {"network": {"theta": theta[None], "phi": phi[None]}}}

# sphinx_gallery_thumbnail_number = 4
fig, axes = plotting.panels(1, 3, size=2.9)
for ax, hidden in zip(axes[0], (3, 10, 30), strict=True):
    head = heads.CategoricalHead(ShallowNetwork(hidden, 3))
    keys = jax.random.split(jax.random.key(0), 20)
    starts = notebook if hidden == 3 else jax.vmap(head.init, (0, None))(keys, x[:, None])
    fits = jax.vmap(lambda start, head=head: heads.fit(head, start, data, optax.adam(0.01), steps=4000))(
        starts
    )
    losses = fits.history.train.loss[:, -1]
    best = jax.tree.map(operator.itemgetter(losses.argmin()), fits.state.variables)
    probabilities = head.apply(best, x_line[:, None]).probabilities
    draw_probabilities(ax, probabilities, f"{hidden} hidden units\nloss {losses.min():.2f}")
    print(
        f"{hidden:2d} hidden units: losses from {losses.min():5.2f} to {losses.max():5.2f}, starts: {losses.size}"
    )
axes[0, 0].set_ylabel(r"probabilities $\lambda_k$")
plt.show()

# %%
# What if the data are counts, or rankings?
# -----------------------------------------
# Two discrete rows are left in the book's figure 5.11. The Poisson distribution is for counts, which have no largest value. The
# Plackett-Luce distribution is for rankings: the softmax picks the winner, then the runner-up among the rest, and so on. With
# scores of 1, 0 and -1 for three items, the order of the scores is the likeliest of six, but far from sure.

counts, rankings = jnp.arange(15), jnp.array(list(itertools.permutations(range(3))))
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
for raw, colour in zip((0.5, 3.0, 7.0), plotting.COLOURS, strict=False):
    events = distributions.Poisson.from_outputs(jnp.array([raw]))
    left.plot(
        counts,
        jnp.exp(events.log_density(counts)),
        "o-",
        ms=4,
        lw=1,
        color=colour,
        label=f"rate {events.rate:.2f}",
    )
left.set(xlabel="count $y$", ylabel="probability", ylim=(0, None), title="Counts: Poisson")
left.legend()
places = distributions.PlackettLuce(jnp.tile(jnp.array([1.0, 0.0, -1.0]), (6, 1)))
names = [" > ".join("ABC"[item] for item in ranking) for ranking in rankings.tolist()]
right.barh(names, jnp.exp(places.log_density(rankings)), color=plotting.COLOURS[0])
right.invert_yaxis()
right.set(xlabel="probability", title="Rankings: Plackett-Luce")
plt.show()
