"""Training two players against each other: one scan of steps of the one, each with some steps of the other inside."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, PyTree

from udl_jax import training
from udl_jax._checks import count, values
from udl_jax.ch15_gans.critics import critic_loss, generator_loss, gradient_penalty
from udl_jax.ch15_gans.games import Game, GameDraws, GameState, Losses, Player, draw_game, start_game
from udl_jax.training.checkpoints import fingerprint_of, run_in_chunks

__all__ = [
    "Game",
    "GameDraws",
    "GameState",
    "draw_game",
    "generate",
    "play_game",
    "play_in_chunks",
    "start_game",
]


def play_game(
    game: Game, state: GameState, x: Float[Array | np.ndarray, "examples ..."], draws: GameDraws
) -> tuple[GameState, Losses]:
    """Play: in every step the critic takes its turns, then the generator one.

    Nothing is drawn here. A step that is not sound is not taken, nor is any after it. ``game`` is static; the function
    may be jitted, and vmapped over states and draws.

    Parameters
    ----------
    game
        Players and rules.
    state
        From :func:`start_game`, or from an earlier call that this one continues.
    x
        Real examples.
    draws
        All that is random.

    Returns
    -------
    GameState
        After the last step.
    Losses
        Of every step.

    Raises
    ------
    ValueError
        If the draws' shapes do not belong together, if ``order`` names examples that there are not, or if ``mix`` leaves
        the interval from 0 to 1.

    References
    ----------
    Prince (2023), sections 15.1.2 and 15.2.6, equations 15.5, 15.16 and 15.17.
    """
    x, draws = jnp.asarray(x), GameDraws(*(jnp.asarray(part) for part in draws))
    if (
        *draws.order.shape,
        draws.noise.shape[-1],
    ) != draws.noise.shape or draws.mix.shape != draws.order.shape:
        raise ValueError(
            "order, noise and mix must have shapes (steps, turns, batch), the same with latent, and the first, "
            f"got {draws.order.shape}, {draws.noise.shape} and {draws.mix.shape}"
        )
    if draws.generator_noise.shape[:1] != draws.order.shape[:1]:
        raise ValueError(
            f"generator_noise must be for as many steps as order, {len(draws.order)}, got {len(draws.generator_noise)}"
        )
    values(
        "order",
        draws.order,
        lambda o: (o >= 0) & (o < len(x)),
        f"numbers of examples, from 0 to {len(x) - 1}",
    )
    values("mix", draws.mix, lambda m: (m >= 0) & (m <= 1), "from 0 to 1")
    return _play(game, state, x, draws)


def play_in_chunks(
    game: Game,
    state: GameState,
    x: Float[Array | np.ndarray, "examples ..."],
    draws: GameDraws,
    *,
    chunk: int,
    directory: str | Path | None = None,
    progress: bool = False,
) -> tuple[GameState, Losses]:
    """Play as :func:`play_game` does, with a checkpoint after every ``chunk`` steps, from which a killed game goes on.

    Parameters
    ----------
    game, state, x, draws
        As for :func:`play_game`.
    chunk
        Steps between two checkpoints.
    directory
        Where they go; called again with the same arguments, the game goes on there. None saves nothing.
    progress
        Show a bar with the critic's latest loss.

    Returns
    -------
    GameState
        After the last step, to the last bit what one call of :func:`play_game` in such chunks gives.
    Losses
        Of every step.

    Raises
    ------
    ValueError
        As for :func:`play_game`; or if ``chunk`` is not positive, or ``directory`` has the checkpoints of another game.
    """
    chunk, mark = count("chunk", chunk), ""
    if directory is not None:
        program = _play.lower(game, state, x, jax.tree.map(lambda leaf: leaf[:1], draws)).as_text()
        mark = fingerprint_of(program, state, x, draws)

    def run(state, begin, end):
        return play_game(game, state, x, jax.tree.map(lambda leaf: leaf[begin:end], draws))

    settings = {
        "chunk": chunk,
        "directory": directory,
        "fingerprint": mark,
        "progress": progress,
        "unit": "step",
    }
    return run_in_chunks(run, state, len(draws.order), headline=lambda losses: losses.critic, **settings)


@functools.partial(jax.jit, static_argnums=0)
def generate(
    generator: nn.Module, params: PyTree, noise: Float[Array | np.ndarray, "samples latent"]
) -> Float[Array, "samples ..."]:
    """Make examples of latent variables."""
    return generator.apply({"params": params}, noise)


@functools.partial(jax.jit, static_argnums=0)
def _play(game, state, x, draws):
    def critic_objective(made, real, mix, params):
        judge = lambda x: game.critic.apply({"params": params}, x)[..., 0]  # noqa: E731
        loss = critic_loss(judge(real), judge(made), game.kind)
        if game.penalty:
            loss = loss + game.penalty * gradient_penalty(judge, real, made, mix)
        return loss, None

    def generator_objective(critic, noise, params):
        made = game.generator.apply({"params": params}, noise)
        return generator_loss(game.critic.apply({"params": critic}, made)[..., 0], game.kind), None

    def turn(generator, carry, drawn):
        critic, sound = carry
        order, noise, mix = drawn
        made = jax.lax.stop_gradient(game.generator.apply({"params": generator}, noise))
        objective = functools.partial(critic_objective, made, x[order], mix)
        critic, good, loss = _step(game.critic_optimiser, objective, critic, sound)
        return (critic, good), loss

    def step(state, drawn):
        healthy = state.failed_at < 0
        turns = functools.partial(turn, state.generator.params)
        inner = drawn.order, drawn.noise, drawn.mix
        (critic, sound), losses = jax.lax.scan(turns, (state.critic, healthy), inner)
        objective = functools.partial(generator_objective, critic.params, drawn.generator_noise)
        generator, sound, loss = _step(game.generator_optimiser, objective, state.generator, sound)
        failed_at = jnp.where(healthy & ~sound, state.step, state.failed_at)
        # A step that fails half way is not taken at all.
        critic = jax.tree.map(lambda new, old: jnp.where(sound, new, old), critic, state.critic)
        return GameState(generator, critic, state.step + 1, failed_at), Losses(losses[-1], loss)

    return jax.lax.scan(step, state, draws)


def _step(optimiser, objective, player, sound):
    """Take one step of one player, if it and all before it are sound."""
    stepped = training.take_step(optimiser, objective, player.params, player.optimiser)
    sound = sound & training.is_sound(stepped, player.optimiser)
    new = Player(stepped.params, stepped.optimiser)
    return jax.tree.map(lambda a, b: jnp.where(sound, a, b), new, player), sound, stepped.loss
