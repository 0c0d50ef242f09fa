"""What a game of two players is told, what it carries from step to step, and all that is random in it."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key, PyTree

from udl_jax._annotations import checked
from udl_jax._checks import count, number, one_of
from udl_jax.ch15_gans.critics import KINDS


@dataclasses.dataclass(frozen=True)
class Game:
    """Who plays, by which rules: a static argument of compiled functions, so make it once.

    Parameters
    ----------
    generator, critic
        Flax modules; the critic returns one number for each example.
    generator_optimiser, critic_optimiser
        Optax transformations.
    kind
        Of loss: ``"minimax"``, ``"non-saturating"`` or ``"wasserstein"``.
    penalty
        Weight of the gradient penalty, not negative; 0 leaves it out.

    Raises
    ------
    ValueError
        If ``kind`` is another, or ``penalty`` is negative.
    """

    generator: nn.Module
    critic: nn.Module
    generator_optimiser: optax.GradientTransformation
    critic_optimiser: optax.GradientTransformation
    kind: str = "wasserstein"
    penalty: float = 0.0

    def __post_init__(self):
        one_of("kind", self.kind, KINDS)
        number("penalty", self.penalty, least=0.0)


class Player(NamedTuple):
    """Parameters of one player, and the state of the optimiser."""

    params: PyTree
    optimiser: PyTree


class GameState(NamedTuple):
    """Everything that the game carries from step to step.

    Attributes
    ----------
    generator, critic
        The players.
    step
        Steps of the generator done so far.
    failed_at
        The first step with a loss, gradient or weight that was not finite; -1 while all is well. The players stay as
        they were before it.
    """

    generator: Player
    critic: Player
    step: Int[Array, ""]
    failed_at: Int[Array, ""]


class GameDraws(NamedTuple):
    """All that is random in the game.

    Attributes
    ----------
    order
        Which real examples each step of the critic sees.
    noise
        Latent variables for the critic's steps.
    mix
        Where between real and generated examples the penalty looks, from 0 to 1.
    generator_noise
        Latent variables for the generator's steps.
    """

    order: Int[Array | np.ndarray, "steps turns batch"]
    noise: Float[Array | np.ndarray, "steps turns batch latent"]
    mix: Float[Array | np.ndarray, "steps turns batch"]
    generator_noise: Float[Array | np.ndarray, "steps batch latent"]


class Losses(NamedTuple):
    """Losses of every step: the critic's is that of the last of its turns."""

    critic: Float[Array, " steps"]
    generator: Float[Array, " steps"]


def start_game(game: Game, generator: PyTree, critic: PyTree) -> GameState:
    """Make the state in which the game begins, from the ``params`` of both players."""
    return GameState(
        Player(generator, game.generator_optimiser.init(generator)),
        Player(critic, game.critic_optimiser.init(critic)),
        jnp.zeros((), jnp.int32),
        jnp.full((), -1, jnp.int32),
    )


@checked
def draw_game(
    key: Key[Array, ""], examples: int, steps: int, batch: int, latent: int, turns: int = 1
) -> GameDraws:
    """Draw all that is random in a game of ``steps`` steps, with ``turns`` of the critic in each.

    Parameters
    ----------
    key
        Decides the draws.
    examples
        How many real examples there are.
    steps, turns, batch, latent
        Sizes.

    Returns
    -------
    GameDraws
        Indices with repetition, standard normal noise, even mixtures.

    Raises
    ------
    ValueError
        If a number is not positive.
    """
    sizes = {"examples": examples, "steps": steps, "batch": batch, "latent": latent, "turns": turns}
    examples, steps, batch, latent, turns = (count(name, size) for name, size in sizes.items())
    keys = jax.random.split(key, 4)
    return GameDraws(
        jax.random.randint(keys[0], (steps, turns, batch), 0, examples),
        jax.random.normal(keys[1], (steps, turns, batch, latent)),
        jax.random.uniform(keys[2], (steps, turns, batch)),
        jax.random.normal(keys[3], (steps, batch, latent)),
    )
