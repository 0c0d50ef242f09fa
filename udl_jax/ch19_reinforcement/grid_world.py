"""Draw the penguin's ice: squares, holes and fish, and on them policies, values and paths; and let episodes run."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int, Num
from matplotlib import patches
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from udl_jax import _checks, plotting
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.grids import ACTIONS, MOVES, SIDE, STATES
from udl_jax.ch19_reinforcement.pictures import (
    COLD,
    FISH,
    HOLE,
    ICE,
    corner,
    draw_arrow,
    draw_penguin,
    draw_square,
    draw_thing,
    place,
)

_MINUS = "\N{MINUS SIGN}"
_GOOD, _BAD, _REWARD = "#57b26b", "#e0644c", "#b3261e"
#: Where an action's value stands in a square, and how it is turned.
_SIDES = ((0.5, 0.10, 0), (0.90, 0.5, -90), (0.5, 0.90, 0), (0.10, 0.5, 90))


@checked
def layout_of(rewards: Num[Array, "16"]) -> Int[np.ndarray, "16"]:
    """Tell what there is to see on each square: a hole where the reward is negative, a fish where it is positive.

    Parameters
    ----------
    rewards
        One for each square.

    Returns
    -------
    Int[np.ndarray, "16"]
        0 for ice, 1 for a hole, 2 for a fish.

    Examples
    --------
    >>> print(layout_of([0] * 14 + [-2, 3]))
    [0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 2]
    """
    signs = np.sign(np.asarray(rewards))
    return np.where(signs < 0, HOLE, np.where(signs > 0, FISH, ICE))


@checked
def draw_grid_world(
    ax: Axes,
    layout: Int[Array | np.ndarray, "16"],
    *,
    state: int | None = None,
    policy: Num[Array, "..."] | None = None,
    rewards: Num[Array, "16"] | None = None,
    values: Num[Array, "16"] | None = None,
    action_values: Float[Array, "4 16"] | None = None,
    path: Int[Array, " steps"] | None = None,
    state_index: bool = True,
    font_size: float = 8.0,
) -> None:
    """Draw the grid and whatever is known about it.

    Parameters
    ----------
    ax
        Where to draw; its axes are hidden.
    layout
        0 for ice, 1 for a hole, 2 for a fish: :func:`layout_of`.
    state
        Where the penguin stands.
    policy
        An action for each square, or -1 for none; or the probabilities of the four actions, to which the areas of four
        arrows are proportional.
    rewards
        In red at the top right of each square where they are not zero.
    values
        Of the squares, below the middle; the better, the greener, and red where negative.
    action_values
        Of the four actions, at the four sides, in the same colours.
    path
        States one after the other, from dark to light.
    state_index
        Whether the numbers of the squares stand at their top left.
    font_size
        Of all numbers, in points.

    Raises
    ------
    ValueError
        If shapes are others, or there is no such square, action or thing.
    """
    layout = _check(layout, state, policy, path)
    colours = [COLD] * STATES if values is None else _tints(np.asarray(values))
    for square, colour in enumerate(colours):
        draw_square(ax, square, colour, glint=values is None and action_values is None)
    if action_values is not None:
        _draw_action_values(ax, np.asarray(action_values), font_size)
    for square, thing in enumerate(layout.tolist()):
        draw_thing(ax, square, thing)
    if path is not None:
        _draw_path(ax, np.asarray(path))
    if policy is not None:
        _draw_policy(ax, np.asarray(policy))
    if state is not None:
        draw_penguin(ax, state)
    _write(ax, values, rewards, state_index, font_size)
    ax.set(xlim=(-0.04, SIDE + 0.04), ylim=(SIDE + 0.04, -0.04), aspect="equal")
    ax.axis("off")


@checked
def animate_episode(
    ax: Axes,
    layout: Int[Array | np.ndarray, "16"],
    states: Int[Array, " times"],
    actions: Int[Array, " steps"] | None = None,
    *,
    frames: int = 40,
    interval: float = 500,
    **settings: Any,
) -> FuncAnimation:
    """Let the penguin walk.

    Parameters
    ----------
    ax
        Where to draw.
    layout
        0 for ice, 1 for a hole, 2 for a fish.
    states
        Where it is, step by step.
    actions
        What it wants to do in each state but the last; the title tells it.
    frames
        Number of pictures at most; of a longer episode each picture goes on by several steps.
    interval
        Milliseconds from picture to picture.
    settings
        For :func:`draw_grid_world`.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        To be kept in a variable for as long as it should run. As a still picture, its figure shows the whole path.

    Raises
    ------
    ValueError
        If there is no such square, or actions are not one less than states.
    """
    states = np.asarray(states)
    if actions is not None and len(actions) != len(states) - 1:
        raise ValueError(f"actions must be one less than the {len(states)} states, got {len(actions)}")
    wanted = None if actions is None else [ACTIONS[action] for action in np.asarray(actions)]
    draw_grid_world(ax, layout, path=states, **settings)
    trail, figure = ax.collections[-1], ax.figure
    bird = draw_penguin(ax, int(states[-1]))
    segments, last = trail.get_segments(), len(states) - 1

    def draw(step):
        trail.set_segments(segments[:step])
        place(bird, ax, int(states[step]))
        told = f", wants to go {wanted[step]}" if wanted is not None and step < last else ""
        ax.set_title(f"step {step} of {last}{told}")
        return [trail, *bird]

    shown = np.unique(np.linspace(0, last, min(frames, last + 1)).astype(int))
    animation = FuncAnimation(figure, draw, shown, interval=interval)
    draw(last)
    figure.canvas.draw()  # starts it: Matplotlib warns of animations that never were
    figure.set_layout_engine("none")  # the layout stands; to find it anew for each picture takes longest
    draw(last)
    return animation


def _check(layout, state, policy, path) -> np.ndarray:
    squares = f"squares, counted from 0 to {STATES - 1}"
    _checks.values(
        "layout", layout, lambda v: (v >= ICE) & (v <= FISH), "0 for ice, 1 for a hole, 2 for a fish"
    )
    if state is not None and not 0 <= state < STATES:
        raise ValueError(f"state must be one of the {squares}, got {state}")
    if path is not None:
        _checks.values("path", path, lambda v: (v >= 0) & (v < STATES), squares)
    if policy is not None:
        if np.shape(policy) not in {(STATES,), (len(MOVES), STATES)}:
            raise ValueError(f"policy must have the shape (16,) or (4, 16), got {np.shape(policy)}")
        if np.ndim(policy) == 1:
            _checks.values(
                "policy", policy, lambda v: np.isin(v, range(-1, 4)), "actions 0 to 3, or -1 for none"
            )
        else:
            _checks.values("policy", policy, lambda v: (v >= 0) & (v <= 1), "probabilities")
    return np.asarray(layout)


def _tints(values) -> np.ndarray:
    """Blend the colour of ice with green or red, the more the larger a value is among all."""
    strength = values / max(np.max(np.abs(values)), np.finfo(float).tiny)
    towards = np.where(strength[..., None] > 0, to_rgb(_GOOD), to_rgb(_BAD))
    return np.array(to_rgb(COLD)) + 0.75 * np.abs(strength)[..., None] * (towards - to_rgb(COLD))


def _number(value) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", _MINUS)


def _write(ax, values, rewards, state_index, font_size) -> None:
    for square in range(STATES):
        x, y = corner(square)
        if state_index:
            ax.text(x + 0.07, y + 0.06, str(square), fontsize=font_size, color="0.25", ha="left", va="top")
        if rewards is not None and rewards[square] != 0:
            told = {
                "s": f"{float(rewards[square]):+g}".replace("-", _MINUS),
                "color": _REWARD,
                "weight": "bold",
            }
            ax.text(x + 0.93, y + 0.06, fontsize=font_size, ha="right", va="top", **told)
        if values is not None:
            told = {"s": _number(float(values[square])), "ha": "center", "va": "bottom", "zorder": 6}
            ax.text(x + 0.5, y + 0.94, fontsize=font_size, **told)


def _draw_action_values(ax, values, font_size) -> None:
    corners = ((0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95))
    tints = _tints(values)
    for square in range(STATES):
        x, y = corner(square)
        for action, (right, down, angle) in enumerate(_SIDES):
            points = np.add([corners[action], corners[(action + 1) % 4], (0.5, 0.5)], (x, y))
            ax.add_patch(patches.Polygon(points, fc=tints[action, square], ec="white", lw=0.6))
            ax.text(
                x + right,
                y + down,
                _number(values[action, square]),
                fontsize=font_size,
                rotation=angle,
                ha="center",
                va="center",
                rotation_mode="anchor",
                zorder=4,
            )


def _draw_policy(ax, policy) -> None:
    for square in range(STATES):
        middle = np.array(corner(square)) + 0.5
        if policy.ndim == 1:
            if policy[square] >= 0:
                draw_arrow(ax, middle, MOVES[int(policy[square])], 0.34)
            continue
        for action, (down, right) in enumerate(MOVES):
            size = 0.32 * float(policy[action, square]) ** 0.5
            draw_arrow(ax, middle + 0.21 * np.array([right, down]), MOVES[action], size)


def _draw_path(ax, path) -> None:
    steps = np.arange(len(path))
    places = np.array([corner(square) for square in path.tolist()]) + 0.5
    # Each step a little further to the lower right, so that ways back and forth are told apart.
    places = places + (0.26 * (steps / max(steps[-1], 1) - 0.5))[:, None]
    segments = np.stack([places[:-1], places[1:]], axis=1)
    shades = plotting.COLORMAP(np.linspace(0.05, 0.7, len(segments)))
    ax.add_collection(LineCollection(segments, colors=shades, lw=2.2, capstyle="round", zorder=3))
