"""Notebook 19.4: Q-learning from 20,000 random steps on the ice, and their drawing."""

TITLE = "19.4 Q-learning"
SETTING = "16 states, 4 actions, 20,000 steps of a random penguin, drawn and learnt from"
STEPS = 20_000
USES_TORCH = False
LABELS = {"book": "NumPy, as the book writes it", "tuned": "NumPy and lists, tuned"}


def data():
    """Make the tables of the ice."""
    from parity.speed import supervised
    from udl_jax.ch19_reinforcement import grids

    return supervised.arrays(grids.icy_grid())


def book(arrays):
    """Draw and update by NumPy's functions for single numbers, and read the policy off the values after each step."""
    import numpy as np

    table, rewards, terminal = arrays["transitions"], arrays["rewards"], arrays["terminal"]

    def run(seed):
        generator = np.random.RandomState(seed)
        q, state = generator.normal(size=(4, 16)), generator.randint(15)
        for _ in range(STEPS):
            action = generator.randint(4)
            arrived = generator.choice(16, p=table[:, state, action])
            worth = 0.0 if terminal[arrived] else np.max(q[:, arrived])
            q[action, state] += 0.1 * (rewards[arrived] + 0.9 * worth - q[action, state])
            for column in q.T:
                generator.choice(np.flatnonzero(column == column.max()))
            state = generator.randint(15) if terminal[arrived] else arrived
        return q.mean()

    return run


def tuned(arrays):
    """Draw everything beforehand, and work on Python's lists, which are faster than NumPy for single numbers."""
    from bisect import bisect

    import numpy as np

    sums = np.cumsum(arrays["transitions"], axis=0).transpose(1, 2, 0).tolist()
    rewards, terminal = arrays["rewards"].tolist(), arrays["terminal"].tolist()

    def run(seed):
        generator = np.random.default_rng(seed)
        q, state = generator.normal(size=(16, 4)).tolist(), int(generator.integers(15))
        actions, starts = (
            generator.integers(4, size=STEPS).tolist(),
            generator.integers(15, size=STEPS).tolist(),
        )
        uniforms = generator.random(STEPS).tolist()
        for action, uniform, start in zip(actions, uniforms, starts):
            arrived = bisect(sums[state][action], uniform)
            worth = 0.0 if terminal[arrived] else max(q[arrived])
            q[state][action] += 0.1 * (rewards[arrived] + 0.9 * worth - q[state][action])
            state = start if terminal[arrived] else arrived
        return np.mean(q)

    return run


def ours(arrays):
    """Draw and learn with the library, in one compiled program."""
    import jax
    import numpy as np

    from udl_jax.ch19_reinforcement import experience, temporal_difference
    from udl_jax.ch19_reinforcement.processes import Mdp

    mdp = jax.device_put(Mdp(**arrays))

    @jax.jit
    def learn(key):
        begin, walk = jax.random.split(key)
        moves = experience.sample_moves(walk, mdp, STEPS)
        return temporal_difference.q_learning(jax.random.normal(begin, (4, 16)), moves).mean()

    return lambda seed: np.asarray(learn(jax.random.key(seed)))
