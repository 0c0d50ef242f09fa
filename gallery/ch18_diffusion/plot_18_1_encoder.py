r"""
18.1 How a distribution forgets
===============================

Take any distribution, mix each sample with a little fresh noise, and repeat. After enough rounds nothing is left of where the
samples came from. That forgetting is the easy half of a diffusion model; the other half, in 18.2, learns to undo it. How fast
does it go, and is a hundred rounds enough?

*In the book: section 18.2, figures 18.2 to 18.4. Notebook 18.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch18_diffusion import encoder, mixture, schedules

plotting.use_book_style()

# %%
# The data
# --------
# Four bumps on a line, a mixture of Gaussians; two of them are narrow. Narrow bumps are the first thing that noise will wash out.
# In one dimension we can watch the whole distribution, which for pictures nobody can.

bumps = mixture.four_bumps()
places = np.arange(-3, 3, 0.01, dtype=np.float32)
truth = np.exp(jax.jit(bumps.log_density)(places))
x = mixture.draw(jax.random.key(6), 10_000)

# sphinx_gallery_alt = "A density with four bumps, two of them tall and narrow, at about -1.9 and -0.2."
fig, ax = plt.subplots(figsize=(5.5, 3))
ax.plot(places, truth)
ax.set(xlabel="$x$", ylabel="density $Pr(x)$", xlim=(-3, 3), ylim=(0, 1))
plt.show()

# %%
# One step
# --------
# Every step keeps a part of the sample and adds a part of noise (equation 18.1):
#
# .. math:: \mathbf{z}_t = \sqrt{1-\beta_t}\;\mathbf{z}_{t-1} + \sqrt{\beta_t}\;\boldsymbol\epsilon_t.
#
# The squares of the two weights add up to one, so data of variance one keep it. In code it is one line; the library's ``diffuse``
# is this line inside a ``lax.scan``, which carries all ten thousand samples through all hundred steps.

STEPS, BETA = 100, 0.01511
noise = jax.random.normal(jax.random.key(1), (STEPS, x.size))
path = np.asarray(jax.jit(encoder.diffuse)(x, BETA, noise))
z = np.asarray(x)
for epsilon in np.asarray(noise):
    z = np.sqrt(1 - BETA) * z + np.sqrt(BETA) * epsilon
print(f"largest difference between these lines and the library: {np.abs(z - path[-1]).max():.0e}")

# %%
# Here are five samples on their way. Each wanders, and all are drawn towards the middle, because every step makes them a little
# smaller before it adds noise.

# sphinx_gallery_alt = "Five jagged paths from the data at the top to step 100 at the bottom."
fig, ax = plt.subplots(figsize=(5, 4.5))
ax.plot(path[:, :5], range(STEPS + 1), lw=1)
ax.set(xlabel="value", ylabel="step $t$", xlim=(-3, 3), ylim=(STEPS, 0))
ax.set_title("Five samples on their way to noise")
plt.show()

# %%
# In the histogram of all ten thousand the narrow bumps sink first. From step 40 on there is only one hump.

# sphinx_gallery_alt = "Seven histograms: four bumps at step 0, two broad ones at step 20, one at step 80 and step 100."
fig, axes = plt.subplots(2, 4, figsize=(9.6, 4), sharex=True, sharey=True)
for ax, t in zip(axes.flat, (0, 5, 10, 20, 40, 80, 100)):
    ax.hist(path[t], np.arange(-3, 3.01, 0.1), density=True, color=plotting.COLOURS[0])
    ax.set(title=f"step {t}", xlim=(-3, 3), ylim=(0, 1))
for ax in (*axes[1, :3], axes[0, 3]):
    ax.set_xlabel("value")
    ax.tick_params(labelbottom=True)
axes[0, 0].set_ylabel("density")
axes[1, 0].set_ylabel("density")
axes[1, 3].set_axis_off()
plt.show()

# %%
# All steps at once
# -----------------
# A sum of normal variables is normal, so nobody has to go step by step. Given the data, :math:`z_t` is normal (equation 18.8):
#
# .. math:: q(\mathbf{z}_t|\mathbf{x}) = \text{Norm}_{\mathbf{z}_t}\bigl[\sqrt{\alpha_t}\,\mathbf{x}, (1-\alpha_t)\mathbf{I}\bigr],
#     \qquad \alpha_t = \prod_{s=1}^{t} (1-\beta_s).
#
# The book calls it the diffusion kernel. One ``vmap`` over the times computes all hundred for data at :math:`x = -2`; two lines
# of NumPy say the same.

times = np.arange(STEPS + 1)
kernels = jax.jit(jax.vmap(encoder.diffusion_kernel, in_axes=(None, 0, None)))
mean, deviation = (np.asarray(part) for part in kernels(-2.0, times, BETA))
alpha = (1 - BETA) ** times
print(
    f"off by {np.abs(mean - np.sqrt(alpha) * -2).max():.0e} and {np.abs(deviation - np.sqrt(1 - alpha)).max():.0e}"
)
print(f"at the end: mean {mean[-1]:.3f}, deviation {deviation[-1]:.3f}, alpha {alpha[-1]:.3f}")

# %%
# The picture shows them from top to bottom, each in its own row and all stretched to the same height, with five paths and lines
# two deviations from the mean. On the right are three of them to scale.


def stretch(rows):
    """Give each row a largest value of one."""
    return rows / rows.max(axis=1, keepdims=True)


def bell(mean, deviation):
    """Evaluate normal densities at all places, a row for each."""
    return np.exp(-(((places - mean[:, None]) / deviation[:, None]) ** 2) / 2) / (
        np.sqrt(2 * np.pi) * deviation[:, None]
    )


five = encoder.sample_diffusion(jax.random.key(2), jnp.full(5, -2.0), BETA, STEPS)

# sphinx_gallery_alt = "Left, a band that widens from a point at -2 and bends towards 0; right, three bells, ever wider and lower."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
left.pcolormesh(places, times[1:], stretch(bell(mean[1:], deviation[1:])), rasterized=True)
left.plot(five, times, lw=0.9)
for side in (-2, 2):
    left.plot(mean + side * deviation, times, "w--", lw=1.2)
left.set(xlabel="$z_t$", ylabel="step $t$", xlim=(-3, 3), ylim=(STEPS, 0), title="Kernels from $x = -2$")
for t in (20, 40, 80):
    right.plot(places, bell(mean[t : t + 1], deviation[t : t + 1])[0], label=f"$q(z_{{{t}}}|x)$")
right.set(xlabel="$z_t$", ylabel="density", xlim=(-3, 3), ylim=(0, 1))
right.legend()
plt.show()

# %%
# The distribution of all samples
# -------------------------------
# Without knowing :math:`x`, the distribution of :math:`z_t` is the sum of the kernels of all places, weighted by how probable
# data are there (equation 18.10):
#
# .. math:: q(\mathbf{z}_t) = \int q(\mathbf{z}_t|\mathbf{x})\,Pr(\mathbf{x})\,d\mathbf{x}.
#
# The notebook sums over a grid from -3 to 3. For Gaussian bumps there is also a closed form: a bump that is blurred is a bump
# again. The two agree, and both have lost a little by the end, which is what has wandered beyond -3 and 3.

by_sum = jax.jit(jax.vmap(encoder.marginal, in_axes=(None, None, 0, None)))(places, truth, times, BETA)
by_form = jax.jit(jax.vmap(lambda t: jnp.exp(mixture.diffused(bumps, t, BETA).log_density(places))))(times)
print(f"largest difference between sum and closed form: {np.abs(by_sum - by_form).max():.0e}")
print(f"within -3 and 3 at step {STEPS}: {0.01 * by_sum[-1].sum():.2%} and {0.01 * by_form[-1].sum():.2%}")

# sphinx_gallery_thumbnail_number = 5
# sphinx_gallery_alt = "Left, four bright streaks that blur into one; right, densities at steps 0, 20, 60 and 100."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2))
left.pcolormesh(places, times, stretch(np.asarray(by_sum)), rasterized=True)
left.set(xlabel="$z_t$", ylabel="step $t$", xlim=(-3, 3), ylim=(STEPS, 0), title="$q(z_t)$")
for t in (0, 20, 60, 100):
    right.plot(places, by_sum[t], label=f"$q(z_{{{t}}})$")
right.plot(places, np.exp(-(places**2) / 2) / np.sqrt(2 * np.pi), "k:", lw=1.2, label="standard normal")
right.set(xlabel="$z_t$", ylabel="density", xlim=(-3, 3), ylim=(0, 1))
right.legend()
plt.show()

# %%
# What if the data stand elsewhere, and is a hundred steps enough?
# ----------------------------------------------------------------
# Kernels from other places have the same width at the same time; only their means differ, and these close in on zero together.
# They have not met by the end: the samples still remember where they came from. Whoever samples from a standard normal at step
# 100, as 18.2 will, starts from a slightly wrong place. A schedule in which :math:`\beta_t` rises spends the same number of steps
# better: it is gentle while there is detail to lose, and thorough at the end.

ways = {
    f"constant, {BETA}": schedules.linear(BETA, BETA, STEPS),
    "linear, 0.001 to 0.12": schedules.linear(0.001, 0.12, STEPS),
    "cosine": schedules.cosine(STEPS),
}
left_over = jax.jit(jax.vmap(lambda betas, t: schedules.signal_and_noise(betas, t)[0], in_axes=(None, 0)))

# sphinx_gallery_alt = "Left, bands from four starts that close in on zero; right, the signal left under three schedules."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
for start in (-2.0, 0.0, 1.0, 2.5):
    mean, deviation = kernels(start, times, BETA)
    line = left.plot(times, mean, label=f"$x = {start:g}$")[0]
    left.fill_between(times, mean - 2 * deviation, mean + 2 * deviation, color=line.get_color(), alpha=0.12)
left.set(xlabel="step $t$", ylabel="$z_t$: mean and two deviations", xlim=(0, STEPS))
left.legend(ncols=2, loc="lower right")
for name, betas in ways.items():
    kept = np.sqrt(left_over(betas, times))
    right.plot(times, kept, label=f"{name}: {kept[-1]:.2g} at the end")
right.set(xlabel="step $t$", ylabel=r"signal left, $\sqrt{\alpha_t}$", xlim=(0, STEPS), ylim=(0, 1))
right.legend(loc="lower left")
plt.show()
