r"""
5.1 Where least squares comes from
==================================

Why square the errors, and not take their fourth power or their size? Because squares are what is left when one assumes bell-shaped
noise, asks which parameters make the data most probable, and takes the logarithm. Seen that way, the loss has one more parameter
than the network, the width of the noise; and other noise gives other losses.

*In the book: sections 5.1 to 5.3, figures 5.3 to 5.5 and 5.11. Notebook 5.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork, stages
from udl_jax.ch05_loss_functions import distributions, heads, sweeps
from udl_jax.ch05_loss_functions import least_squares as ls
from udl_jax.data import toy

plotting.use_book_style()

# %%
# A line in a band
# ----------------
# The network below has three hidden units: ``theta`` holds their intercepts and slopes, ``phi`` the output's offset (the
# notebook's :math:`\beta_1`) and weights. Its output is the mean of a normal distribution, and the grey band shows two standard
# deviations to either side, for :math:`\sigma = 0.2`. One point lies far outside, lower than the axes of the notebook's plots
# reach; remember it.

x, y = toy.univariate_regression_points()
x_line = jnp.linspace(0, 1, 200)
theta = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
phi = jnp.array([[0.1, -2.0, -1.0, 7.0]])


def draw_band(ax, mean, deviation, title):
    """Draw the data, a curve, and two standard deviations around it."""
    ax.fill_between(x_line, mean - 2 * deviation, mean + 2 * deviation, color="0.87")
    ax.plot(x_line, mean)
    ax.plot(x, y, "o", color=plotting.DATA, ms=4)
    ax.set(xlim=(0, 1), ylim=(-1.6, 1.2), xlabel="input $x$", title=title)


bell = jnp.linspace(-5, 5, 200)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
draw_band(
    left, stages(theta, phi, x_line[:, None]).output[:, 0], 0.2, r"The notebook's network, $\sigma = 0.2$"
)
left.set_ylabel("output $y$")
for mean, deviation in ((0, 1), (1, 1), (0, 2), (0, 0.5)):
    label = rf"$\mu = {mean}$, $\sigma = {deviation}$"
    right.plot(bell, ls.normal_density(bell, jnp.array(mean), deviation), label=label)
right.set(xlabel="output $y$", ylabel="density", xlim=(-5, 5), ylim=(0, 1), title="The normal distribution")
right.legend()
plt.show()

# %%
# On the right are the notebook's three predictions to make, checked: another mean moves the bell; twice the deviation makes it
# half as high and twice as wide, half the deviation the reverse, since the area under it stays one.
#
# One fit, three numbers
# ----------------------
# Multiply the densities of all twenty points and you have the likelihood. Add up their negative logarithms and you have a loss.
# Add up the squared errors and you have another. The notebook announces 0.119 for a single density, and then 0.000010624,
# 11.452419564 and 2.020992572.

mean = stages(theta, phi, x[:, None]).output[:, 0]
print(
    f"density of 1 if the mean is -1, deviation 2.3: {ls.normal_density(jnp.array(1.0), jnp.array(-1.0), 2.3):.3f}"
)
print(f"likelihood:              {distributions.likelihood(ls.normal_density(y, mean, 0.2)):.9f}")
print(f"negative log-likelihood: {ls.negative_log_likelihood(y, mean, 0.2):.6f}")
print(f"sum of squares:          {training.squared_error(mean, y):.6f}")

# %%
# The likelihood is small already. For a single point far from the mean, the density itself vanishes in float32, and its logarithm
# with it: the naive loss, logarithm of an exponential, becomes infinite and its gradient NaN. The safe loss cancels the two on
# paper first.

print("standard deviations off    naive loss    safe loss")
for distance in (1.0, 10.0, 14.0, 100.0):
    off = jnp.array([distance])
    naive = distributions.naive_negative_log_likelihood(ls.normal_density(off, jnp.zeros(1), 1.0))
    safe = ls.negative_log_likelihood(off, jnp.zeros(1), 1.0)
    print(f"{distance:23.0f} {naive:13.2f} {safe:12.2f}")

# %%
# Turn the offset
# ---------------
# Move the network's output up and down and watch all three. One ``vmap`` takes the place of the notebook's loop. Look at the
# dotted lines: maximum likelihood, minimum negative log-likelihood and least squares choose the same offset. And look at the
# likelihood's shape: next to zero nearly everywhere, so no guide unless one is close already.


def draw_criteria(axes, values, swept, symbol):
    """Draw three criteria over a parameter, each with a dotted line at its own best value."""
    names = ("likelihood", "negative log-likelihood", "sum of squares")
    for ax, criterion, name in zip(axes, swept, names, strict=True):
        ax.plot(values, criterion, color=plotting.COLOURS[1])
        ax.set(xlabel=symbol, ylabel=name)
        if jnp.ptp(criterion) > 0:
            best = sweeps.best(values, -criterion if name == "likelihood" else criterion)
            ax.axvline(best, color="0.3", ls=":", lw=1.2)
            ax.set_title(f"{'highest' if name == 'likelihood' else 'lowest'} at {symbol} = {best:.3f}")


offsets = jnp.arange(0, 1.0, 0.01)
swept = ls.sweep_offset(theta, phi, offsets, x[:, None], y, 0.2)
curves = sweeps.outputs_at_offsets(theta, phi, offsets, x_line[:, None])[..., 0]
best_offset = sweeps.best(offsets, swept.negative_log_likelihood)
best_curve = curves[jnp.argmin(swept.negative_log_likelihood)]

# sphinx_gallery_thumbnail_number = 2
fig, axes = plt.subplots(2, 2, figsize=(8.5, 6))
draw_band(axes[0, 0], best_curve, 0.2, r"$\beta_1$ from 0 to 0.8, and the best")
axes[0, 0].plot(x_line, curves[::20].T, color=plotting.COLOURS[4], lw=1)
axes[0, 0].set_ylabel("output $y$")
draw_criteria(axes.flat[1:], offsets, swept, r"$\beta_1$")
plt.show()

# %%
# Turn the width of the noise
# ---------------------------
# Now leave the network at its best offset and turn :math:`\sigma`. The sum of squares does not know about it and stays flat, but
# the likelihood has a favourite. No search is needed to find it: it is the root of the mean squared error. Almost three quarters
# of that error come from the one point far below; without it the noise would be half as wide.

phi_best = phi.at[0, 0].set(best_offset)
deviations = jnp.arange(0.1, 0.5, 0.005)
swept = ls.sweep_deviation(theta, phi_best, deviations, x[:, None], y)
fit_mean, usual = mean + best_offset - phi[0, 0], y > -1
best_deviation = ls.best_deviation(y, fit_mean)
print(f"on the grid:         {sweeps.best(deviations, swept.negative_log_likelihood):.3f}")
print(f"in closed form:      {best_deviation:.4f}")
print(f"without the outlier: {ls.best_deviation(y[usual], fit_mean[usual]):.4f}")

fig, axes = plt.subplots(2, 2, figsize=(8.5, 6))
draw_band(axes[0, 0], best_curve, best_deviation, r"$\sigma$ of 0.1, 0.2, 0.3 and 0.4, and the best")
for deviation in deviations[::20]:
    for side in (-2, 2):
        axes[0, 0].plot(x_line, best_curve + side * deviation, color=plotting.COLOURS[4], lw=0.8)
axes[0, 0].set_ylabel("output $y$")
draw_criteria(axes.flat[1:], deviations, swept, r"$\sigma$")
axes[1, 1].set(ylim=(0, 2), title=r"the same for every $\sigma$")
plt.show()

# %%
# Turn everything at once
# -----------------------
# The notebook stops here and says that one would go on to vary all ten parameters. ``jax.grad`` does. A *head* on the network
# turns its outputs into a distribution, and the loss is always the same function: that distribution's negative log-likelihood. The
# first head learns one :math:`\sigma` for all inputs; the second reads it off a second output, so that it may vary (section
# 5.3.4). The last two change the noise: Laplace's loss counts the size of an error, Student's t hardly minds an outlier at all.
# The bands are two standard deviations wide, or two of the scales that stand in their place.

level = jnp.array([[-1.5, 0.0, 0.0, 0.0]])
laplace = heads.DistributionHead(ShallowNetwork(3, 2), distributions.Laplace)
student = heads.DistributionHead(ShallowNetwork(3, 3), distributions.StudentT)
contenders = {
    r"Normal, one $\sigma$": (
        heads.ConstantGaussianHead(ShallowNetwork(3)),
        phi,
        {"deviation": jnp.array(-1.5)},
    ),
    r"Normal, $\sigma$ of $x$": (heads.GaussianHead(ShallowNetwork(3, 2)), jnp.concatenate([phi, level]), {}),
    "Laplace": (laplace, jnp.concatenate([phi, level]), {}),
    "Student's t": (student, jnp.concatenate([phi, level, level]), {}),
}
fig, axes = plotting.panels(1, 4, size=2.5)
for ax, (name, (head, weights, more)) in zip(axes[0], contenders.items(), strict=True):
    start = {"params": {"network": {"theta": theta, "phi": weights}, **more}}
    fitted = heads.fit(head, start, training.Examples(x[:, None], y), optax.adam(0.01), steps=4000)
    middle, width, *_ = head.apply(fitted.state.variables, x_line[:, None])
    draw_band(ax, middle, width, f"{name}\nloss {fitted.history.train.loss[-1]:.2f}")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
axes[0, 0].set_ylabel("output $y$")
plt.show()

# %%
# With one width for all, the curve must bend to the point at the bottom left. As soon as the width may vary, that point counts as
# noise, and the band narrows where the data are orderly. Student's t goes furthest: curve and band pass the point by. All four are
# maximum likelihood; what differs is the noise that they believe in.
#
# What if the noise were another?
# -------------------------------
# The book's figure 5.11 lists which distribution suits which data; ``distributions.TABLE`` is that list. Its rows for real numbers
# are these: the loss of a single error under three kinds of noise, a mixture for data with two answers, and a pair of numbers that
# vary together. Each maps raw network outputs, any numbers at all, to parameters that are allowed.

error = jnp.linspace(-4, 4, 201)
mixture = distributions.GaussianMixture.from_outputs(jnp.array([0.0, 1.0, -1.5, 1.5, -0.5, 0.5]))
pair = distributions.MultivariateNormal.from_outputs(jnp.array([0.0, 0.0, 1.0, 0.5, 1.0]))
plane = jnp.stack(jnp.meshgrid(error, error), axis=-1)

fig, (losses, two, both) = plt.subplots(1, 3, figsize=(10.5, 3.2))
zero, one = jnp.array(0.0), jnp.array(1.0)
for name, noise in (
    ("normal", distributions.Normal(zero, one)),
    ("Laplace", distributions.Laplace(zero, one)),
    ("Student's t, 1 degree", distributions.StudentT(zero, one, one)),
):
    losses.plot(error, -noise.log_density(error), label=name)
losses.set(xlabel="error", ylabel="loss in nats", ylim=(0, 9), title="Regression, robust regression")
losses.legend()
two.plot(error, jnp.exp(jax.vmap(mixture.log_density)(error)), color=plotting.COLOURS[2])
two.set(xlabel="output $y$", ylabel="density", ylim=(0, None), title="Multimodal: mixture of Gaussians")
plotting.surface(both, error, error, jnp.exp(jax.vmap(jax.vmap(pair.log_density))(plane)), lines=6)
both.set(xlabel="output $y_1$", ylabel="output $y_2$", title="Multivariate normal", aspect="equal")
plt.show()
