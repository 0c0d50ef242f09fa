r"""
12.2 Two heads are better
=========================

Self-attention gives every token one average of all values. But a word may have to know two things at once, say, what it refers to
and what comes next, and an average of the two answers is neither. So transformers run several attentions side by side, the
*heads*, each with maps of its own, and mix what they find. How is that computed, and what can two heads do that one cannot?

*In the book: section 12.3.3, equations 12.10 to 12.12, figure 12.6. Notebook 12.2.*
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import multihead_attention as mha

plotting.use_book_style()

# %%
# Six tokens, two heads
# ---------------------
# The notebook draws six tokens of width eight, and for each of two heads maps to queries, keys and values of width four, half of
# the tokens' own. The same draws, in the same order, are below; in every array the first axis numbers the heads.

x = np.random.RandomState(3).normal(size=(8, 6)).T.astype(np.float32)
generator = np.random.RandomState(0)
drawn = [
    [generator.normal(size=shape).astype(np.float32) for shape in 3 * [(4, 8)] + 3 * [(4, 1)]] for _ in "12"
]
q_k_v = [np.stack(pair) for pair in zip(*drawn)]
maps = mha.Heads(*q_k_v[:3], *(beta[..., 0] for beta in q_k_v[3:]), generator.normal(size=(8, 8)))
maps = jax.tree.map(lambda leaf: leaf.astype(np.float32), maps)

# %%
# What a head computes
# --------------------
# Head *h* has queries, keys and values of its own, for tokens in the columns of :math:`\mathbf{X}` (equation 12.10), and attends as
# in 12.1 (equation 12.11). Then what all heads found is written below one another and mixed by one matrix (equation 12.12):
#
# .. math::
#    \mathbf{V}_h = \boldsymbol\beta_{vh}\mathbf{1}^T + \boldsymbol\Omega_{vh}\mathbf{X},\quad
#    \mathbf{Q}_h = \boldsymbol\beta_{qh}\mathbf{1}^T + \boldsymbol\Omega_{qh}\mathbf{X},\quad
#    \mathbf{K}_h = \boldsymbol\beta_{kh}\mathbf{1}^T + \boldsymbol\Omega_{kh}\mathbf{X},
#
# .. math::
#    \mathbf{Sa}_h[\mathbf{X}] = \mathbf{V}_h\,
#    \mathbf{Softmax}\!\left[\frac{\mathbf{K}_h^T\mathbf{Q}_h}{\sqrt{D_q}}\right],\qquad
#    \mathbf{MhSa}[\mathbf{X}] = \boldsymbol\Omega_c
#    \left[\mathbf{Sa}_1[\mathbf{X}]^T, \dots, \mathbf{Sa}_H[\mathbf{X}]^T\right]^T.
#
# On the page we write one head, with tokens in rows, and let ``jax.vmap`` make of it as many as there are along the first axis. The
# notebook's function takes thirteen arrays and has each line twice; here a third head would be a longer axis, and nothing else.


def one_head(omega_q, omega_k, omega_v, beta_q, beta_k, beta_v):
    """Attend with one head."""
    q, k, v = x @ omega_q.T + beta_q, x @ omega_k.T + beta_k, x @ omega_v.T + beta_v
    return jax.nn.softmax(q @ k.T / len(beta_q) ** 0.5) @ v


@jax.jit
def on_page(maps):
    """Mix what all heads find."""
    return jnp.concatenate(jax.vmap(one_head)(*maps[:-1]), axis=1) @ maps.omega_c.T


multihead = jax.jit(mha.multihead)
found = multihead(x, maps)
print("the first new token:", np.array(found.values[0]).round(3))
print(f"largest difference from the library: {np.abs(on_page(maps) - found.values).max():.0e}")

# %%
# The two heads listen to different tokens, as they must with maps drawn at random. Rows are queries, columns keys.

# sphinx_gallery_alt = "Attention matrices of two heads over six tokens; each row has its light cells in other places in the two."
fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), sharey=True)
for head, ax in enumerate(axes):
    image = ax.imshow(found.weights[head], vmin=0, vmax=1)
    ax.set(xlabel="key of token", title=f"head {head + 1}", xticks=range(6), yticks=range(6))
axes[0].set(ylabel="query of token")
fig.colorbar(image, ax=axes, label="attention")
plt.show()

# %%
# The same layer in Flax
# ----------------------
# ``flax.linen.MultiHeadDotProductAttention`` is this layer with its parameters arranged in another way, and with an offset after
# the mixing, which the book leaves out. ``as_flax`` rearranges ours, so that the two can be compared.

layer = nn.MultiHeadDotProductAttention(num_heads=2)
theirs = jax.jit(layer.apply)({"params": mha.as_flax(maps)}, x)
print(f"largest difference from Flax: {np.abs(theirs - found.values).max():.0e}")

# %%
# What can two heads do that one cannot?
# --------------------------------------
# The shares of one head are positive, so all that it can do is to average. Let us build by hand two heads that look at fixed
# places. Each token carries the height of a curve, and its position as a vector of zeros with a single one. The first head asks for
# the position before its own, the second for the one after; both pass on the height. The mixing matrix then takes the difference:
# two heads can *subtract*, and differentiate the curve. A single head that looks at fixed places cannot, since its shares all have
# the same sign, and a difference needs both.

places = 40
t = np.linspace(0, 2 * np.pi, places, dtype=np.float32)
height = np.sin(t) + 0.3 * np.sin(3 * t)
tokens = np.column_stack([height, np.eye(places)]).astype(np.float32)


def look(shift):
    """Make the query map of a head that looks ``shift`` places ahead, and stays at the ends."""
    target = np.clip(np.arange(places) + shift, 0, places - 1)
    return np.column_stack([np.zeros(places), 400 * np.eye(places)[target].T])


omega_q = np.stack([look(-1), look(+1)])
omega_k = np.stack([np.column_stack([np.zeros(places), np.eye(places)])] * 2)
omega_v = np.zeros((2, places, places + 1))
omega_v[:, 0, 0] = 1
omega_c = np.zeros((1, 2 * places))
omega_c[0, [0, places]] = np.array([-1, 1]) / (t[2] - t[0])
built = mha.Heads(omega_q, omega_k, omega_v, *np.zeros((3, 2, places)), omega_c)
built = jax.tree.map(lambda leaf: leaf.astype(np.float32), built)
slopes = multihead(tokens, built)
exact = np.cos(t) + 0.9 * np.cos(3 * t)
inner = slice(1, -1)
print(
    f"away from the ends, the slope is off by at most {np.abs(slopes.values[inner, 0] - exact[inner]).max():.3f}"
)

# sphinx_gallery_alt = "The slopes that two heads compute lie on the exact derivative of a curve; beside, two shifted diagonals."
fig, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=(2, 1, 1))
axes[0].plot(t, height, color=plotting.DATA, label="curve")
axes[0].plot(t, exact, lw=4, alpha=0.4, label="exact slope")
axes[0].plot(t, slopes.values[:, 0], "o", ms=3, label="two heads")
axes[0].set(xlabel="$t$", ylabel="height, slope", ylim=(-2.2, 3.4), title="Two heads differentiate")
axes[0].legend(ncols=3, loc="upper center")
for ax, weights, name in zip(axes[1:], slopes.weights, ("head 1: before", "head 2: after")):
    ax.imshow(weights, vmin=0, vmax=1)
    ax.set(xlabel="key of token", title=name)
axes[1].set(ylabel="query of token")
plt.show()

# %%
# What if there were more heads?
# ------------------------------
# The heads share the width, so eight numbers a token make one head of eight, two of four, four of two, or eight of one. The number
# of parameters stays the same. What changes is how many different places a token can look at, and how finely: with maps drawn at
# random, we count how many different tokens the heads of a token prefer, out of sixteen, averaged over 100 draws.


def variety(key, heads):
    """Count the different tokens that the heads of a token listen to most, on average over tokens."""
    key_x, key_maps = jax.random.split(key)
    drawn = mha.draw_parameters(key_maps, width=8, heads=heads)
    weights = mha.multihead(jax.random.normal(key_x, (16, 8)), drawn).weights
    favourites = jax.nn.one_hot(jnp.argmax(weights, axis=-1), 16).max(axis=0)
    return favourites.sum(axis=-1).mean()


keys = jax.random.split(jax.random.key(0), 100)
for heads in (1, 2, 4, 8):
    sizes = sum(leaf.size for leaf in mha.draw_parameters(keys[0], 8, heads))
    several = jax.jit(jax.vmap(lambda key: variety(key, heads)))(keys).mean()  # noqa: B023
    print(f"heads: {heads}, of width {8 // heads}; {sizes} parameters; {several:.1f} favourites a token")

# %%
# And what if the tokens change places? Each head is covariant, as in 12.1, so their mixture is, too.

order = np.random.default_rng(0).permutation(6)
apart = np.abs(multihead(x[order], maps).values - np.asarray(found.values)[order]).max()
print(f"new tokens of moved tokens, and moved new tokens, differ by {apart:.0e}")
