r"""
21.1 Fair in which sense?
=========================

Two groups apply for loans. A model gives each applicant a score, and whoever is above a threshold is granted the loan. The scores
of the two groups differ, and so does what they are worth. Which thresholds are fair? There are several answers, each of them
sensible, and where the groups differ no two of them go together. What does each cost, and whom?

*In the book: section 21.1.1, figure 21.2. Notebook 21.1.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch21_ethics import bias_mitigation as loans
from udl_jax.ch21_ethics import criteria, policies

plotting.use_book_style()
GROUPS = {"blue": plotting.COLOURS[0], "yellow": plotting.COLOURS[4]}

# %%
# Four kinds of people
# --------------------
# There are two groups, and in each some will repay and some will default. We know from the past how often each score comes among
# them; the curves are mixtures of Gaussians. In the blue group scores tell the two kinds well apart, in the yellow one less so.

scores = np.arange(-4, 4, 0.01, dtype=np.float32)
defaulted, repaid = (np.asarray(people) for people in jax.jit(loans.loan_example)(scores))
everybody = defaulted + repaid

# sphinx_gallery_alt = "Two panels of frequencies over the score: in the blue group far apart, in the yellow group overlapping."
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for k, (ax, (name, colour)) in enumerate(zip(axes, GROUPS.items())):
    ax.plot(scores, defaulted[k], "--", color=colour, label="$y = 0$: default")
    ax.plot(scores, repaid[k], color=colour, label="$y = 1$: repay")
    share = repaid[k].sum() / everybody[k].sum()
    ax.set(
        xlabel="credit score $c$", xlim=(-4, 4), ylim=(0, 500), title=f"The {name} group: {share:.0%} repay"
    )
    ax.legend(loc="upper left")
axes[0].set_ylabel("frequency")
plt.show()

# %%
# One threshold, and all of them
# ------------------------------
# A group's chance of a loan at threshold :math:`\tau` is a share of its people:
#
# .. math:: Pr(\hat{y} = 1) = Pr(c > \tau) = \frac{\sum_{c > \tau} \text{frequency}[c]}{\sum_c \text{frequency}[c]}.
#
# The notebook sums anew for each of 800 thresholds. One running sum from above holds all of them, and ``vmap`` takes both groups:

tails = np.cumsum(everybody[:, ::-1], axis=1)[:, ::-1] / everybody.sum(axis=1, keepdims=True)
above = jax.jit(jax.vmap(loans.rate_above, in_axes=(None, 0, None)))
at_all = above(scores, everybody, scores)
off = np.abs(tails[:, 1:] - at_all[:, :-1]).max()
print(f"largest difference between these lines and the library: {off:.0e}")
print("threshold 0 for both:", *map("{:.3f} of the {} group".format, above(scores, everybody, 0.0), GROUPS))

# %%
# Being blind to the group, with threshold 0 for everybody, gives loans to very different shares. Is there a common threshold at
# which the groups fare alike? Between the grey lines 5 % to 95 % of all people are granted the loan. There the overall shares never
# meet. Those who repay fare alike only at the left end, where nearly everybody gets a loan, and those who default only at the right
# end, where hardly any of them does.

curves = jax.jit(jax.vmap(loans.roc))(defaulted, repaid)
apart = {"all people": np.diff(at_all, axis=0)[0]}
apart["those who repay"] = np.diff(curves.true_positives, axis=0)[0, 1:]
apart["those who default"] = np.diff(curves.false_alarms, axis=0)[0, 1:]
granted = everybody.sum(axis=0)[::-1].cumsum()[::-1] / everybody.sum()
usual = (granted > 0.05) & (granted < 0.95)

# sphinx_gallery_alt = "Three humps over the common threshold: how much larger the yellow group's share is than the blue one's."
fig, ax = plt.subplots(figsize=(6, 3.2))
for (name, gap), style in zip(apart.items(), ("-", "--", ":")):
    ax.plot(scores, gap, style, label=f"of {name}")
ax.vlines((scores[usual].min(), scores[usual].max()), -1, 1, color="0.6", lw=1)
ax.set(xlabel="common threshold", ylabel="yellow share minus blue share", xlim=(-4, 4), ylim=(-0.05, 0.85))
ax.set_title("Shares that are granted the loan")
ax.legend(fontsize="small", loc="upper right")
plt.show()

# %%
# The same share of each group
# ----------------------------
# With a threshold for each group one can have more. The notebook asks for thresholds at which 60 % of either group get the loan
# (demographic parity), to be found by trial. Bisection finds them: halve the interval, keep the half in which the rate passes 0.6.

low, high = np.full(2, -4.0), np.full(2, 4.0)
for _ in range(20):
    middle = (low + high) / 2
    rates = np.array([group[scores > tau].sum() / group.sum() for group, tau in zip(everybody, middle)])
    low, high = np.where(rates > 0.6, middle, low), np.where(rates > 0.6, high, middle)
find = jax.jit(jax.vmap(loans.threshold_for_rate, in_axes=(None, 0, None)))
parity, opportunity = np.asarray(find(scores, everybody, 0.6)), np.asarray(find(scores, repaid, 0.8))
print("bisection", high.round(3), "library, on the grid", parity)

# %%
# Now both groups get loans at the same rate, but look at the dots on the curves. They show true positives, the share of those who
# repay that is granted the loan, against false alarms, the same share of those who default. Blue people who would repay are nearly
# sure of a loan; a quarter of the yellow ones go without. If instead both dots are to be at the same height (equal opportunity),
# the groups get loans at quite different rates.

areas = jax.jit(jax.vmap(loans.auc))(curves)
settings = {"Blind": np.zeros(2, np.float32), "Demographic parity": parity, "Equal opportunity": opportunity}
grants = (scores > np.stack([*settings.values()])[..., None]).astype(np.float32)
judge = jax.jit(jax.vmap(policies.outcomes, in_axes=(None, None, 0)))
told = judge(defaulted, repaid, grants)

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "Three ROC plots; the blue curve is above the yellow one; only in the third are the two dots at one height."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.6), sharey=True)
for row, (ax, (name, thresholds)) in enumerate(zip(axes, settings.items())):
    for k, colour in enumerate(GROUPS.values()):
        ax.plot(curves.false_alarms[k], curves.true_positives[k], color=colour, label=f"area {areas[k]:.3f}")
        dot = told.false_alarms[row, k], told.true_positives[row, k]
        ax.plot(*dot, "o", color=colour, label=f"threshold {thresholds[k]:.2f}")
    ax.set(title=name, xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), aspect="equal")
    ax.set_xlabel(r"false alarms $Pr(\hat{y}=1|y=0)$")
    ax.legend(fontsize="small", loc="lower right")
axes[0].set_ylabel(r"true positives $Pr(\hat{y}=1|y=1)$")
plt.show()

# %%
# A mistake in the notebook
# -------------------------
# Of the third setting the notebook says that those who are granted loans default at the same rate, 20 %, in both groups. What is
# equal is something else: of those who *repay*, 20 % are refused. Those who get the loan default at very different rates.

for k, name in enumerate(GROUPS):
    refused, default = 1 - told.true_positives[2, k], 1 - told.precision[2, k]
    print(f"{name}: refused, of those who repay, {refused:.1%}; default, of those with a loan, {default:.1%}")

# %%
# Every criterion, and its price
# ------------------------------
# Give the lender 300 for each loan that is repaid and take 700 for each that is not, and let each criterion have its best level.
# Two more join in. *Predictive parity* is what the notebook's sentence meant: of those with a loan the same share repays. *Equal
# odds* wants both coordinates of the dots equal, which the notebook calls impossible because the curves do not cross. For
# thresholds it is. But one may draw lots: a mixture of a threshold and a coin lies on the straight line between their dots, so
# blue people can be treated as badly as yellow ones.

rows = dict(zip(("blind, threshold 0", "demographic parity, 0.6", "equal opportunity, 0.8"), grants))
rows["no criterion"] = criteria.own_best(defaulted, repaid)
names = ("equal_thresholds", "demographic_parity", "equal_opportunity", "equal_odds", "predictive_parity")
tried = {name: np.linspace(0.001, 0.999, 500) for name in names} | {names[-1]: np.linspace(0.63, 0.96, 500)}
search = jax.jit(policies.most_profitable, static_argnums=0)
for name in names:
    rows[name.replace("_", " ")] = search(getattr(criteria, name), tried[name], defaulted, repaid).grants
table = judge(defaulted, repaid, np.stack([*rows.values()]))
print(" " * 25 + "granted        true positives false alarms   repay if granted accuracy  profit")
for row, name in enumerate(rows):
    pairs = (f"{part[row, 0]:.3f} {part[row, 1]:.3f}" for part in table[:4])
    print(f"{name:24}", "    ".join(pairs), f"{table.accuracy[row]:9.3f} {table.profit[row]:9.1f}")

# %%
# In each pair of columns blue stands before yellow. A criterion makes its own pair equal and leaves the others apart; equal
# thresholds leave all apart. Predictive parity costs the lender least, equal odds most, and the lender is not alone in paying:
# under equal odds fewer of those who repay get a loan than under equal opportunity, in both groups.
#
# That no two go together is no accident. A group's base rate :math:`\pi`, the share that repays, ties three of the columns:
#
# .. math:: \text{false alarms} = \frac{\pi}{1-\pi}\,\frac{1-\text{precision}}{\text{precision}}\;\text{true positives}.
#
# Where base rates differ, whoever makes precision (the share that repays if granted) and true positives equal has false alarms
# that differ by a constant factor, whatever the scores are.

base = repaid.sum(axis=1) / everybody.sum(axis=1)
by_law = base / (1 - base) * (1 - table.precision) / table.precision * table.true_positives
print(f"the law holds in every row: off by {np.abs(by_law - table.false_alarms).max():.0e}")
print(f"the factor: {np.divide(*(base / (1 - base))[::-1]):.2f}")

# %%
# What if a default costs less, or more?
# --------------------------------------
# Prices depend on the lender. For each of 29 losses from a default we let every criterion choose its best level again, in one
# ``vmap`` over the losses, and compare with what the lender would earn without any.

losses = np.linspace(100, 1500, 29, dtype=np.float32)


def earned(name, loss):
    """Return the profit under a criterion at its best level, or under none."""
    people = defaulted, repaid
    if name in tried:
        return policies.most_profitable(getattr(criteria, name), tried[name], *people, 300.0, loss).profit
    return policies.outcomes(*people, criteria.own_best(*people, 300.0, loss), 300.0, loss).profit


each = jax.jit(jax.vmap(earned, in_axes=(None, 0)), static_argnums=0)
lost = {name: np.asarray(each("none", losses) - each(name, losses)) for name in names}
cheapest = np.array(names)[np.argmin([*lost.values()], axis=0)]
print("cheapest:", *(f"{name} from {losses[cheapest == name][0]:.0f}" for name in dict.fromkeys(cheapest)))

# sphinx_gallery_alt = "Five curves of lost profit over the loss from a default, equal odds far above the others."
fig, ax = plt.subplots(figsize=(6, 3.6))
for name, values in lost.items():
    ax.plot(losses, values, label=name.replace("_", " "))
ax.set(xlabel="loss from a default (a repaid loan brings 300)", ylabel="profit lost, for each applicant")
ax.set(xlim=(100, 1500), ylim=(0, 30))
ax.legend(fontsize="small", ncols=2, loc="upper right")
plt.show()

# %%
# Equal odds is the dearest at every loss shown: the better scores of one group go to waste. Which one is cheapest changes with the
# loss. So what a criterion costs says little about whether it is right; it says who pays for it.
