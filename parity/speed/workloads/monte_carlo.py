"""Notebook 19.3: Monte Carlo control on the ice."""

TITLE = "19.3 Monte Carlo control"
SETTING = "16 states, 4 actions, 3 of 2,000 updates of 100 episodes each"
UPDATES = 3
STEPS = UPDATES * 100
USES_TORCH = False
LABELS = {"book": "NumPy, as the book writes it"}


def data():
    """Make the tables of the ice."""
    from parity.speed import supervised
    from udl_jax.ch19_reinforcement import grids

    return supervised.arrays(grids.icy_grid())


def book(arrays):
    """Play each episode step by step, then sum what followed each of its steps, one after the other."""
    import numpy as np

    table, rewards, terminal = arrays["transitions"], arrays["rewards"], arrays["terminal"]

    def play(generator, soft):
        states, actions, earned = [generator.randint(15)], [], []
        while not terminal[states[-1]]:
            actions.append(generator.choice(4, p=soft[:, states[-1]]))
            states.append(generator.choice(16, p=table[:, states[-1], actions[-1]]))
            earned.append(rewards[states[-1]])
        return states, actions, earned

    def discounted(earned):
        total = 0.0
        for k in range(len(earned)):
            total += earned[k] * np.power(0.9, k)
        return total

    def run(seed):
        generator = np.random.RandomState(seed)
        policy = generator.randint(4, size=16)
        for _ in range(UPDATES):
            soft = np.full((4, 16), 0.2 / 3)
            soft[policy, np.arange(16)] = 0.8
            totals, counts = np.zeros((4, 16)), np.zeros((4, 16))
            for _ in range(100):
                states, actions, earned = play(generator, soft)
                for k, action in enumerate(actions):
                    totals[action, states[k]] += discounted(earned[k:])
                    counts[action, states[k]] += 1
            policy = np.argmax(totals / (counts + 1e-5), axis=0)
        return policy.mean()

    return run


def ours(arrays):
    """Do the same with the library."""
    import jax
    import numpy as np

    from udl_jax.ch19_reinforcement import monte_carlo
    from udl_jax.ch19_reinforcement.processes import Mdp

    mdp = jax.device_put(Mdp(**arrays))

    @jax.jit
    def learn(key):
        begin, play = jax.random.split(key)
        policy = jax.random.randint(begin, (16,), 0, 4)
        return monte_carlo.monte_carlo_control(play, mdp, policy, UPDATES, 100).policies[-1].mean()

    return lambda seed: np.asarray(learn(jax.random.key(seed)))
