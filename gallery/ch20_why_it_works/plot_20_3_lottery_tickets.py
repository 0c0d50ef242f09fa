r"""
20.3 The network inside the network
===================================

Train a large network, throw away the smallest of its weights, put the others back to where they began, and train again. It works
as well, and sometimes better, with half of the weights, or with a fifth. Were all the others there for nothing? Perhaps a large
network is a bundle of lottery tickets, and training finds the one that wins. How far can pruning go, and what makes a ticket win:
which weights survive, or where they begin?

*In the book: section 20.5.1 (the notebook says 20.2.7). Notebook 20.3, after code by Sam Greydanus.*
"""

import os

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch20_why_it_works import lottery_tickets, pruning, sparse_network
from udl_jax.data.full_scale import load_full_scale
from udl_jax.data.mnist1d import cache_directory, load_mnist1d

plotting.use_book_style()

# %%
# What is thrown away
# -------------------
# A layer has :math:`D` weights and biases, which the notebook lines up in one vector. To prune a fraction :math:`s` of it means to
# multiply it by a mask that is zero for the :math:`\lfloor s D \rfloor` smallest magnitudes:
#
# .. math:: m_i = \begin{cases} 0 & \text{rank}[|\phi_i|] < \lfloor s D \rfloor \\ 1 & \text{otherwise.} \end{cases}
#
# The count depends on :math:`s`, and a slice of that length would be another program for each sparsity. Compared with ranks, it is
# just a number that may be traced: one program serves all.


@jax.jit
def mask_of(phi, dropped):
    ranks = jnp.argsort(jnp.argsort(jnp.abs(phi)))
    return ranks >= dropped


phi = jnp.array([5.0, 6.0, 0.0, 1.0, 7.0])
print("two of five dropped:", mask_of(phi, 2).astype(int))
drawn = jax.random.normal(jax.random.key(0), (1000,))
unequal = [
    int((mask_of(drawn, int(s * 1000)) != pruning.magnitude_mask(drawn, s)).sum()) for s in (0, 0.3, 0.95, 1)
]
print("entries that differ from the library's masks, at four sparsities:", unequal)

# %%
# A network with masks
# --------------------
# The network has two hidden layers of equal width between 40 inputs and 10 outputs; the second adds what it makes of the first:
#
# .. math::
#    \begin{split}
#    \mathbf{h}_1 &= \text{ReLU}[\boldsymbol\beta_0 + \boldsymbol\Omega_0 \mathbf{x}], \\
#    \mathbf{h}_2 &= \mathbf{h}_1 + \text{ReLU}[\boldsymbol\beta_1 + \boldsymbol\Omega_1 \mathbf{h}_1], \\
#    \mathbf{f} &= \boldsymbol\beta_2 + \boldsymbol\Omega_2 \mathbf{h}_2.
#    \end{split}
#
# Masks stand inside the loss, so what is masked is zero and gets no gradient. (The notebook lets Adam move masked weights, and
# zeroes them before the next pass: as Adam treats every weight for itself, it comes to the same.)

data = load_mnist1d()
small = sparse_network.Settings(hidden=100, sparsities=np.linspace(0, 1, 21))
params = jax.device_get(sparse_network.draw_initial(jax.random.key(1), data, small))


@jax.jit
def network(params, x):
    layers = [(params[f"linear_{k}"]["kernel"], params[f"linear_{k}"]["bias"]) for k in range(3)]
    (omega_0, beta_0), (omega_1, beta_1), (omega_2, beta_2) = layers
    h = jax.nn.relu(beta_0 + x @ omega_0)
    h = h + jax.nn.relu(beta_1 + h @ omega_1)
    return beta_2 + h @ omega_2


library = jax.jit(sparse_network.ResidualMlp(100).apply)({"params": params}, data.x_test)
print(f"largest difference from the library: {np.abs(network(params, data.x_test) - library).max():.0e}")
print(f"parameters: {sum(leaf.size for leaf in jax.tree.leaves(params)):,}")

# %%
# Prune, rewind, retrain
# ----------------------
# Each round trains for 1,502 steps of Adam in batches of 100, which come in the order of the data. Then more weights are pruned,
# the others are *rewound* to their initial values, and the next round begins. A round needs the weights of the round before, so
# nothing can be done at the same time but different seeds: three networks of 100 hidden units, 21 sparsities, by ``vmap``.
#
# Two quirks of the notebook: it prunes by the weights after step 1,000, but reports losses after step 1,500, which is kept here;
# and its seed does not reach PyTorch, so its weights differ from run to run.

keys = jax.random.split(jax.random.key(0), 3)
tickets = lottery_tickets.find_tickets(keys, data, small)
sparsities = np.array(small.sparsities)
loss, error = tickets.history.test.loss[:, :, -1], tickets.history.test.error[:, :, -1]


def draw(axes, sparsities, loss, error):
    """Draw what several seeds gave, their mean, and a dashed line where nothing is pruned."""
    for ax, values, name, unit in zip(axes, (loss, error), ("loss in nats", "error in %"), ("", " %")):
        for value in values:
            ax.plot(sparsities, value, color=plotting.COLOURS[0], lw=0.7, alpha=0.5)
        mean = np.mean(values, axis=0)
        best = int(mean.argmin())
        ax.plot(sparsities, mean, "o-", ms=3, color=plotting.COLOURS[0], label="pruned and retrained")
        ax.axhline(mean[0], color="k", ls="--", lw=1, label="dense")
        ax.set(xlabel="sparsity", ylabel=f"test {name}", xlim=(0, 1), ylim=(0, 100 if unit else None))
        ax.set(title=f"{mean[0]:.2f}{unit} dense, {mean[best]:.2f}{unit} at sparsity {sparsities[best]:.2f}")
    axes[0].legend()


# sphinx_gallery_alt = "Test loss dips far below the dashed line near sparsity 0.9; test error stays level, then shoots up."
fig, axes = plt.subplots(1, 2, figsize=(9, 3.5))
draw(axes, sparsities, loss, error)
plt.show()
worse = error.mean(0) - error.mean(0)[0]
for s in (0.5, 0.7, 0.8, 0.9, 0.95):
    k = int(np.argmin(abs(sparsities - s)))
    print(
        f"sparsity {s:.2f}: test loss {loss.mean(0)[k]:.2f}, test error {error.mean(0)[k]:.1f} % ({worse[k]:+.1f})"
    )

# %%
# The loss falls far below that of the dense network, the error only a little. So the dense network is not so much more often wrong
# as too sure of itself when it is. With everything pruned, all classes are equally likely: a loss of :math:`\log 10`.
#
# Full size
# ---------
# The book's setting is 500 hidden units and 100 sparsities, which the notebook says takes half an hour or so. It was recorded; the
# print says how, for which seeds, and up to which sparsity. ``UDL_SCALE=book`` runs all of it with another seed, keeps each round,
# and goes on from there if it is stopped.

full = load_full_scale("lottery_tickets")
# sphinx_gallery_alt = "At full size: test loss and error against sparsity in steps of one percent, and the dense line."
# sphinx_gallery_thumbnail_number = 1
fig, axes = plt.subplots(1, 2, figsize=(9, 3.5))
draw(axes, full["sparsities"], full["test_loss"], full["test_error"])
if os.environ.get("UDL_SCALE") == "book":
    again = lottery_tickets.find_tickets(
        jax.random.key(5), data, directory=cache_directory() / "lottery_tickets", progress=True
    )
    again_at = sparse_network.BOOK.sparsities
    for ax, name in zip(axes, ("loss", "error")):
        ax.plot(again_at, getattr(again.history.test, name)[:, -1], "r", lw=1, label="run now")
plt.show()
recorded = {"seeds": full["seeds"].tolist(), "sparsities up to": full["sparsities"][-1]} | full["provenance"]
for name, value in recorded.items():
    print(f"{name}: {value}")

# %%
# Which weights, or where they begin?
# -----------------------------------
# Frankle and Carbin (2019) asked what a ticket owes its success to, and changed one thing at a time: *random masks* let as many
# weights of each layer survive, but other ones, at their initial values; *new weights* keep the ticket's mask and draw the initial
# values anew.

rounds = [int(np.argmin(abs(sparsities - s))) for s in (0.4, 0.7, 0.8, 0.9)]
controls = lottery_tickets.train_controls(keys, tickets, rounds, data, small)

# sphinx_gallery_alt = "Test loss and error of tickets and both controls at four sparsities; from 0.7 on, random masks are worst."
fig, axes = plt.subplots(1, 2, figsize=(9, 3.5))
for ax, name, unit in zip(axes, ("loss", "error"), ("nats", "%")):
    lines = {"ticket": getattr(tickets.history.test, name)[:, rounds, -1].T}
    lines |= {
        word.replace("_", " "): getattr(history.test, name)[:, :, -1]
        for word, history in controls._asdict().items()
    }
    for (word, values), marker in zip(lines.items(), "os^"):
        ax.plot(sparsities[rounds], values.mean(axis=1), f"{marker}-", ms=5, label=word)
        print(
            f"{word}, test {name}: "
            + ", ".join(f"{v:.2f} at {s:.1f}" for s, v in zip(sparsities[rounds], values.mean(axis=1)))
        )
    ax.set(xlabel="sparsity", ylabel=f"test {name} in {unit}")
axes[0].legend()
plt.show()

# %%
# What does a ticket look like?
# -----------------------------
# At high sparsity, it matters which weights survive; where they begin matters less, though the error is lowest with both. In
# MNIST-1D, neighbouring inputs belong together, but the network is not told. Does pruning find out? For each survivor of the first
# layer, look whether the same unit's weight of the next input survives as well, and compare with any other input of that unit.

alive = [np.asarray(lottery_tickets.masks_of(tickets, k)["linear_0"]["kernel"]) for k in range(1, 20)]
following = np.array([(mask[:, 1:] & mask[:, :-1]).sum() / mask[:, :-1].sum() for mask in alive])
counts = [mask.sum(axis=1) for mask in alive]  # how many inputs each unit still looks at
others = np.array([(n * (n - 1) / 39).sum() / n.sum() for n in counts])

# sphinx_gallery_alt = "Left, surviving first-layer weights; right, how often another input of a unit survives, the next or any."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
left.imshow(alive[17][0], cmap="gray_r", aspect="auto", interpolation="none")
left.set(
    xlabel="hidden unit", ylabel="input", title=f"Survivors at sparsity {sparsities[18]:.1f}, first seed"
)
right.plot(sparsities[1:20], following / others, "o-", ms=4)
right.axhline(1, color="k", ls="--", lw=1)
right.set(xlabel="sparsity", ylabel="ratio", title="Survival of the next input, relative to any other")
plt.show()
for k in (9, 17, 18):
    print(
        f"at sparsity {sparsities[k + 1]:.2f}: the next survives in {following[k]:.1%}, any other in {others[k]:.1%}"
    )

# %%
# Hardly. Some units keep many inputs and most keep few, as the picture on the left shows; whether two inputs are neighbours makes
# little difference up to a sparsity of 0.9. Only in the last round before nothing is left do neighbours stand out.
