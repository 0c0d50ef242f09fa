r"""Deep Q-learning: a network in place of the table, a memory of moves, and a second network that holds still."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float, Int, Key, PyTree

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.environments import Environment
from udl_jax.ch19_reinforcement.processes import check_fraction
from udl_jax.ch19_reinforcement.replay import Memories, Replay, add, draw, empty
from udl_jax.ch19_reinforcement.temporal_difference import td_target


class QNetwork(nn.Module):
    """Tell from what is seen what each action is worth: fully connected layers with ReLUs between them.

    Parameters
    ----------
    actions
        How many there are.
    widths
        Units of the hidden layers.
    """

    actions: int
    widths: Sequence[int] = (64, 64)

    @nn.compact
    def __call__(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch actions"]:
        """Return one value for each action."""
        dtype = {"param_dtype": _checks.at_least_single(x.dtype), "dtype": x.dtype}
        for width in self.widths:
            x = nn.relu(nn.Dense(width, **dtype)(x))
        return nn.Dense(self.actions, **dtype)(x)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How :func:`train_dqn` learns.

    Parameters
    ----------
    actions
        How many there are.
    widths
        Units of the network's hidden layers.
    steps
        Moves of each environment, and steps of Adam.
    environments
        How many of them run side by side.
    capacity
        Moves that the memory holds.
    batch
        Moves drawn from it for each step.
    target_every
        Steps after which the network that holds still becomes a copy of the other one.
    rate, final_rate
        Learning rate of Adam, which falls in a straight line from the first to the last: values come to rest.
    gamma
        Discount factor, from 0 to 1.
    explore
        Share of random actions at the beginning and at the end, between which it falls in the first half.
    double
        Whether one network chooses the next action and the other one values it.
    huber
        Where the loss turns from a square to a straight line; None for a square all the way.
    """

    actions: int
    widths: tuple[int, ...] = (64, 64)
    steps: int = 4000
    environments: int = 16
    capacity: int = 10_000
    batch: int = 128
    target_every: int = 200
    rate: float = 1e-3
    final_rate: float = 1e-5
    gamma: float = 0.9
    explore: tuple[float, float] = (1.0, 0.1)
    double: bool = True
    huber: float | None = None

    def __post_init__(self):
        for name in ("actions", "steps", "environments", "capacity", "batch", "target_every"):
            _checks.count(name, getattr(self, name))
        _checks.counts("widths", self.widths)
        for name in ("rate", "final_rate"):
            _checks.number(name, getattr(self, name), above=0)
        check_fraction("gamma", self.gamma)
        for k, share in enumerate(self.explore):
            check_fraction(f"explore[{k}]", share)
        if self.huber is not None:
            _checks.number("huber", self.huber, above=0)
        if self.environments > self.capacity:
            raise ValueError(
                f"capacity must hold a move of each of {self.environments} environments, got {self.capacity}"
            )

    @property
    def model(self) -> QNetwork:
        """The network."""
        return QNetwork(self.actions, self.widths)

    @property
    def optimiser(self) -> optax.GradientTransformation:
        """Adam with its schedule."""
        return optax.adam(optax.linear_schedule(self.rate, self.final_rate, self.steps))


#: For the cart and its pole: 200,000 moves.
BALANCE = Settings(
    2, (64, 64), 25_000, 8, 50_000, 512, target_every=50, rate=5e-4, gamma=0.99, explore=(1.0, 0.05)
)


class History(NamedTuple):
    """What happened at each step.

    Attributes
    ----------
    loss
        On the moves drawn.
    lengths
        For each environment the length of the episode that ended at this step, or 0.
    """

    loss: Float[Array, " steps"]
    lengths: Int[Array, "steps environments"]


def targets(
    model: nn.Module,
    online: Mapping[str, PyTree],
    still: Mapping[str, PyTree],
    moves: Memories,
    gamma: Float[ArrayLike, ""],
    double: bool = True,
) -> Float[Array, " moves"]:
    r"""Compute what the network should have said.

    Parameters
    ----------
    model
        The network. Static under ``jit``.
    online, still
        The variables that learn, and those that hold still.
    moves
        From memory.
    gamma
        Discount factor, from 0 to 1.
    double
        As in :class:`Settings`. Static under ``jit``.

    Returns
    -------
    Float[Array, "moves"]
        :math:`r + \gamma\,q^-[s', \text{argmax}_a\,q[s', a]]`, or with the maximum of :math:`q^-` if not double; just
        :math:`r` where nothing came after. No derivatives pass.

    References
    ----------
    Prince (2023), sections 19.4.1 and 19.4.2.
    """
    values = model.apply(still, moves.next_observations)
    judge = model.apply(online, moves.next_observations) if double else values
    chosen = jnp.argmax(judge, axis=-1)
    worth = jnp.take_along_axis(values, chosen[:, None], axis=-1)[:, 0]
    return jax.lax.stop_gradient(td_target(moves.rewards, worth, moves.terminal, gamma))


def q_loss(
    online: Mapping[str, PyTree], still: Mapping[str, PyTree], moves: Memories, settings: Settings
) -> Float[Array, ""]:
    """Compute half the mean squared difference from the targets, or Huber's loss.

    Parameters
    ----------
    online, still, moves
        As for :func:`targets`.
    settings
        Network, discount factor and loss. Static under ``jit``.

    Returns
    -------
    Float[Array, ""]
        The loss. Only ``online`` as it values the actions taken has derivatives.

    """
    aim = targets(settings.model, online, still, moves, settings.gamma, settings.double)
    values = settings.model.apply(online, moves.observations)
    off = jnp.take_along_axis(values, moves.actions[:, None], axis=-1)[:, 0] - aim
    if settings.huber is None:
        return jnp.mean(off**2) / 2
    return jnp.mean(optax.losses.huber_loss(off, delta=settings.huber))


class _State(NamedTuple):
    online: PyTree
    still: PyTree
    optimiser: PyTree
    replay: Replay
    worlds: PyTree
    lengths: Array


@checked
def train_dqn(
    key: Key[Array, ""], environment: Environment, settings: Settings
) -> tuple[dict[str, Any], History]:
    """Act, remember and learn, all in one ``lax.scan``.

    Parameters
    ----------
    key
        Decides everything random.
    environment
        Where to act.
    settings
        How to learn. Static under ``jit``.

    Returns
    -------
    dict
        Variables of ``settings.model``.
    History
        Loss and episodes.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.environments import grid_environment
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> few = Settings(actions=4, steps=10)
    >>> train = jax.jit(train_dqn, static_argnums=2)
    >>> variables, history = train(jax.random.key(0), grid_environment(icy_grid()), few)
    >>> print(few.model.apply(variables, jnp.eye(16)).shape, history.lengths.shape)
    (16, 4) (10, 16)
    """
    keys = jax.random.split(key, 3)
    worlds = jax.vmap(environment.reset)(jax.random.split(keys[0], settings.environments))
    observation = environment.observe(jax.tree.map(lambda leaf: leaf[0], worlds))
    online = settings.model.init(keys[1], observation)
    state = _State(
        online,
        online,
        settings.optimiser.init(online),
        empty(settings.capacity, observation),
        worlds,
        jnp.zeros(settings.environments, jnp.int32),
    )

    def advance(state, now):
        k, key = now
        acting, learning = jax.random.split(key)
        state, ended = _act(environment, settings, state, k, acting)
        moves = draw(state.replay, jax.random.uniform(learning, (settings.batch,)))
        value, slope = jax.value_and_grad(q_loss)(state.online, state.still, moves, settings)
        change, optimiser = settings.optimiser.update(slope, state.optimiser)
        online = optax.apply_updates(state.online, change)
        renew = (k + 1) % settings.target_every == 0
        still = jax.tree.map(lambda new, old: jnp.where(renew, new, old), online, state.still)
        return state._replace(online=online, still=still, optimiser=optimiser), History(value, ended)

    plan = (jnp.arange(settings.steps), jax.random.split(keys[2], settings.steps))
    state, history = jax.lax.scan(advance, state, plan)
    return state.online, history


def _act(environment, settings, state, k, key):
    """Make a move in each environment and remember it; where an episode is over, begin the next."""
    keys = jax.random.split(key, (settings.environments, 3))
    first, last = settings.explore
    share = last + (first - last) * jnp.clip(1 - 2 * k / settings.steps, 0, 1)
    seen = jax.vmap(environment.observe)(state.worlds)
    values = settings.model.apply(state.online, seen)
    draws = jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys[:, 0])
    at_random = jnp.minimum((draws[:, 1] * settings.actions).astype(jnp.int32), settings.actions - 1)
    actions = jnp.where(draws[:, 0] < share, at_random, jnp.argmax(values, axis=-1).astype(jnp.int32))
    found = jax.vmap(environment.step)(state.worlds, actions, keys[:, 1])
    then = jax.vmap(environment.observe)(found.state)
    replay = add(state.replay, Memories(seen, actions, found.reward, then, found.terminal))
    over, lengths = found.terminal | found.truncated, state.lengths + 1
    begun = jax.vmap(environment.reset)(keys[:, 2])
    worlds = jax.vmap(lambda over, new, old: jax.tree.map(lambda a, b: jnp.where(over, a, b), new, old))(
        over, begun, found.state
    )
    state = state._replace(replay=replay, worlds=worlds, lengths=jnp.where(over, 0, lengths))
    return state, jnp.where(over, lengths, 0)
