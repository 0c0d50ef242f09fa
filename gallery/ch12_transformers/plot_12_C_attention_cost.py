r"""
12.C The price of attention
===========================

Every token looks at every other. Of a thousand tokens, these are a million pairs; of a book, more than any memory holds. How fast
do time and memory really grow, and what can be done about it: by computing the same in another order, or something else?

*In the book: section 12.9, figure 12.15. There is no notebook about it.*
"""

import functools
import os
import time

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch12_transformers import attention_cost as cost

plotting.use_book_style()

# %%
# The same softmax, block by block
# --------------------------------
# A softmax seems to need all scores at once: their sum is in the denominator, and for safety their maximum is subtracted first.
# It does not. Sums over a first block of keys can be kept and corrected later. Keep the largest score so far, *m*, the sum of
# powers, *l*, and the sum of values in these weights, *o*. A new block with scores :math:`s_j` and values :math:`\mathbf{v}_j`
# changes them to
#
# .. math::
#    m' = \max(m, \max_j s_j),\qquad
#    l' = l\,e^{m - m'} + \sum_j e^{s_j - m'},\qquad
#    \mathbf{o}' = \mathbf{o}\,e^{m - m'} + \sum_j e^{s_j - m'}\,\mathbf{v}_j,
#
# and at the end :math:`\mathbf{o} / l` is what attention gives. There is no equation about this in the book. Below the lines are
# written for a single query; the library's ``blockwise_attention`` does it for blocks of queries in two nested scans, with the
# causal mask. The memory for scores is then that of one block, however long the text.

q, k, v = jax.random.normal(jax.random.key(0), (3, 600, 32))


@jax.jit
def last_token(q, k, v):
    """Attend from the last token, with keys in blocks of a hundred."""

    def visit(sums, block):
        m, total, o = sums
        keys, values = block
        s = keys @ q[-1] / 32**0.5
        new = jnp.maximum(m, s.max())
        powers, scale = jnp.exp(s - new), jnp.exp(m - new)
        return (new, total * scale + powers.sum(), o * scale + powers @ values), None

    (_, total, o), _ = jax.lax.scan(
        visit, (-jnp.inf, 0.0, jnp.zeros(32)), (k.reshape(6, 100, 32), v.reshape(6, 100, 32))
    )
    return o / total


plain, blockwise, linear = map(
    jax.jit, (cost.plain_attention, cost.blockwise_attention, cost.linear_attention)
)
print(f"these lines and the formula differ by {jnp.abs(last_token(q, k, v) - plain(q, k, v)[-1]).max():.0e}")
print(
    f"blockwise attention and the formula differ by {jnp.abs(blockwise(q, k, v) - plain(q, k, v)).max():.0e}"
)

# %%
# Another function: linear attention
# ----------------------------------
# The exponential ties each query to each key. Replace it by a product of features of the two, and the sum over keys can be done
# once and for all queries. With :math:`\mathbf{f}[\mathbf{x}] = \mathbf{elu}[\mathbf{x}] + 1`,
#
# .. math::
#    \mathbf{x}'_n = \frac{\bigl(\sum_{m\le n}\mathbf{v}_m\mathbf{f}[\mathbf{k}_m]^T\bigr)\,\mathbf{f}[\mathbf{q}_n]}
#    {\bigl(\sum_{m\le n}\mathbf{f}[\mathbf{k}_m]\bigr)^T\mathbf{f}[\mathbf{q}_n]}.
#
# The sums in brackets have a fixed size and go on from token to token: that is a recurrent network. What is lost shows in the
# shares. The features cannot single out one key as the exponential can, so linear attention is more even; it is another model,
# not a faster way to the same. Here are the shares that the last of sixty tokens gives to all, when its query is one of the keys,
# times five.

keys = jax.random.normal(jax.random.key(1), (60, 32))
query = jnp.tile(5 * keys[20], (60, 1)) / 32**0.5
sharp, even = plain(2 * query, keys, jnp.eye(60))[-1], linear(query, keys, jnp.eye(60))[-1]
# sphinx_gallery_alt = "Shares of sixty tokens: attention gives nearly all to token 20, linear attention spreads them evenly."
fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.bar(np.arange(60), sharp, label=f"attention, largest share {sharp.max():.2f}", color=plotting.COLOURS[5])
ax.step(
    np.arange(60),
    even,
    where="mid",
    label=f"linear attention, largest share {even.max():.2f}",
    color=plotting.COLOURS[1],
)
ax.set(xlabel="token", ylabel="share", ylim=(0, 1.05))
ax.legend()
plt.show()

# %%
# What does it cost?
# ------------------
# Four heads of width 32, one text of 256 to 4,096 tokens, causal. ``jax.jit(f).lower(...).compile().memory_analysis()`` tells how
# much memory a compiled program needs besides its arguments and results, without running it. Times are the shortest of seven, on
# whatever machine built this page; ``UDL_SCALE=book`` measures at the longest text, too.

lengths = np.array([256, 512, 1024, 2048, 4096])
timed = lengths if os.environ.get("UDL_SCALE") == "book" else lengths[:-1]
methods = {
    "plain": cost.plain_attention,
    "blockwise": cost.blockwise_attention,
    "linear": cost.linear_attention,
}
memory, seconds = {}, {}
for name, method in methods.items():
    shapes = [jax.ShapeDtypeStruct((4, int(tokens), 32), q.dtype) for tokens in lengths]
    memory[name] = np.array([cost.temporary_bytes(method, shape, shape, shape) for shape in shapes])
    seconds[name] = []
    for tokens in timed:
        arrays = jax.random.normal(jax.random.key(2), (3, 4, int(tokens), 32))
        run = jax.jit(method).lower(*arrays).compile()
        run(*arrays).block_until_ready()
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            run(*arrays).block_until_ready()
            times.append(time.perf_counter() - begin)
        seconds[name].append(min(times))
    print(
        f"{name:10}: memory at 4,096 tokens {memory[name][-1] / 2**20:6.1f} MiB; "
        f"from 1,024 tokens on memory grows like the power {cost.growth(lengths[2:], memory[name][2:]):.1f}"
    )
print(
    f"plain attention needs {memory['plain'][-1] / memory['blockwise'][-1]:.0f} times the memory of blockwise"
)

# %%
# On logarithmic axes a power is a straight line, and its exponent the slope. The memory of plain attention grows with the square
# of the number of tokens. The other two need hardly more than their arguments. Blockwise attention does all the work of the
# formula, so its time grows with the square as well, but it touches less memory on the way.

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Memory over tokens: plain rises with slope two, the others far below it with slope one; beside it, time."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6))
for name in methods:
    left.loglog(lengths, memory[name] / 2**20, "o-", ms=4, label=name)
    power = cost.growth(timed[1:], np.array(seconds[name][1:]))
    right.loglog(timed, 1000 * np.array(seconds[name]), "o-", ms=4, label=f"{name}: power {power:.1f}")
left.set(xlabel="tokens", ylabel="temporary memory in MiB", title="Memory, as compiled")
right.set(xlabel="tokens", ylabel="time in ms", title="Time, as measured")
for ax, shown in ((left, lengths), (right, timed)):
    ax.set_xticks(shown, [f"{tokens:,}" for tokens in shown])
    ax.minorticks_off()
    ax.legend()
plt.show()

# %%
# And what about the gradient?
# ----------------------------
# To train, the chain rule wants the intermediate values back, and a scan would keep all of its blocks for that: the whole matrix
# again. ``jax.checkpoint`` around a step tells JAX to forget them and compute each block a second time on the way back.

shape = jax.ShapeDtypeStruct((4, 4096, 32), q.dtype)
for name, method in methods.items():
    gradient = jax.grad(lambda q, k, v: method(q, k, v).sum(), argnums=(0, 1, 2))  # noqa: B023
    print(
        f"{name:10}: the gradient needs {cost.temporary_bytes(gradient, shape, shape, shape) / 2**20:7.1f} MiB"
    )

# %%
# What if the blocks were larger or smaller?
# ------------------------------------------
# Smaller blocks need less memory, down to what results take anyhow, but more steps.

for block in (32, 128, 512, 2048):
    in_blocks = functools.partial(cost.blockwise_attention, block=block)
    needed = cost.temporary_bytes(in_blocks, shape, shape, shape)
    print(f"blocks of {block:4}: {needed / 2**20:6.1f} MiB")
