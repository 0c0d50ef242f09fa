"""Chapter 19."""

from parity.completions import Completion

penguin = Completion("19.1")
sweeps = Completion("19.2")
rollouts = Completion("19.3")
differences = Completion("19.4")
variates = Completion("19.5")


@penguin.instead(cell=4)
@sweeps.instead(cell=4)
@rollouts.instead(cell=4)
@differences.instead(cell=4)
def no_pictures():
    """Leave out the class that draws: its pictures are files of the book, and nothing here looks at them."""
    global DrawMDP

    class DrawMDP:
        def __init__(self, *ignored):
            pass

        def draw(self, *ignored, **settings):
            pass


# 19.1 Markov decision processes ------------------------------------------------------------------


@penguin.gap(cell=9)
def markov_process_step(state, transition_probabilities):
    return np.random.choice(16, p=transition_probabilities[:, state])


@penguin.record(cell=11)
def wandered():
    return {"chain": transition_probabilities, "chain/states": states}


@penguin.gap(cell=13)
def markov_reward_process_step(state, transition_probabilities, reward_structure):
    arrived = markov_process_step(state, transition_probabilities)
    return arrived, reward_structure[arrived, 0]


@penguin.gap(cell=17)
def calculate_return(rewards, gamma):
    return sum(reward * gamma**later for later, reward in enumerate(rewards))


@penguin.record(cell=18)
def rewarded():
    every = [calculate_return(rewards[t:], gamma) for t in range(T)]
    taken = {"reward/states": states, "reward/rewards": rewards, "reward/returns": every, "gamma": gamma}
    long = np.random.default_rng(0).normal(size=60)
    taken |= {"elsewhere/rewards": long, "elsewhere/gammas": [0.0, 0.5, 0.99, 1.0]}
    sums = [[calculate_return(long[t:], g) for t in range(60)] for g in taken["elsewhere/gammas"]]
    return taken | {"elsewhere/returns": sums}


@penguin.gap(cell=22)
def markov_decision_process_step_deterministic(
    state, transition_probabilities_given_action, reward_structure, policy
):
    of_action = transition_probabilities_given_action[..., policy[state]]
    return markov_reward_process_step(state, of_action, reward_structure)


@penguin.record(cell=23)
def decided():
    taken = {"transitions": transition_probabilities_given_action, "fixed/rewards": rewards}
    taken |= {"fixed/states": states, "fixed/policy": policy}
    for name, seed, turn, steps in (("fixed_as_printed", 3, 2, 9), ("fixed_elsewhere", 4, 3, 200)):
        other = np.where(np.arange(16) == 9, turn, policy)
        np.random.seed(seed)
        path, brought = [0], [0]
        for _ in range(steps):
            step = markov_decision_process_step_deterministic(
                path[-1], transition_probabilities_given_action, reward_structure, other
            )
            path.append(step[0])
            brought.append(step[1])
        taken |= {f"{name}/states": path, f"{name}/rewards": brought, f"{name}/policy": other}
    return taken


@penguin.gap(cell=26)
def markov_decision_process_step_stochastic(
    state, transition_probabilities_given_action, reward_structure, stochastic_policy
):
    action = np.random.choice(4, p=stochastic_policy[:, state])
    of_action = transition_probabilities_given_action[..., action]
    return (*markov_reward_process_step(state, of_action, reward_structure), action)


@penguin.record(cell=27)
def diced():
    taken = {"random/states": states, "random/rewards": rewards, "random/actions": actions}
    return taken | {"random/policy": stochastic_policy}


# 19.2 Dynamic programming ------------------------------------------------------------------------


@sweeps.gap(cell=10)
def policy_evaluation(policy, state_values, rewards, transition_probabilities_given_action, gamma):
    chain = np.take_along_axis(transition_probabilities_given_action, policy[None, :, None].astype(int), 2)
    fresh = rewards + gamma * state_values @ chain[..., 0]
    return np.append(fresh[:15], 3.0)


@sweeps.gap(cell=10)
def policy_improvement(state_values, rewards, transition_probabilities_given_action, gamma):
    ahead = np.einsum("n,nsa->sa", state_values, transition_probabilities_given_action)
    return np.append((rewards[:, None] + gamma * ahead).argmax(1)[:15], 0)


@sweeps.record(cell=11)
def two_rounds():
    return {"two/values": state_values, "two/policy": policy}


@sweeps.record(cell=13)
def all_rounds():
    taken = {"twenty/values": state_values, "twenty/policy": policy, "rewards": rewards}
    taken |= {"transitions": transition_probabilities_given_action}
    for name, seed, discount, turn in (("rounds", 0, 0.9, 1), ("elsewhere", 5, 0.6, -1.5)):
        np.random.seed(seed)
        choice, worth, trace = np.random.choice(size=16, a=np.arange(4)), np.zeros(16), []
        prizes = np.where(np.arange(16) == 15, 3, turn * rewards)
        taken |= {f"{name}/start": choice, f"{name}/gamma": discount, f"{name}/rewards": prizes}
        for _ in range(20):
            setting = (prizes, transition_probabilities_given_action, discount)
            worth = policy_evaluation(choice, worth, *setting)
            choice = policy_improvement(worth, *setting)
            trace.append((worth, choice))
        taken |= {f"{name}/values": [w for w, _ in trace], f"{name}/policies": [c for _, c in trace]}
    return taken


# 19.3 Monte Carlo methods ------------------------------------------------------------------------


@rollouts.instead(cell=12)
def no_show():
    """Leave out what shows an episode, state by state, with pauses between."""
    global visualize_one_episode

    def visualize_one_episode(*ignored):
        pass


@rollouts.gap(cell=13)
def deterministic_policy_to_epsilon_greedy(policy, epsilon=0.2):
    soft = np.full((4, 16), epsilon / 3)
    soft[policy, range(16)] = 1 - epsilon
    return soft


@rollouts.record(cell=18)
def seen():
    taken = {"policy": policy, "soft": stochastic_policy, "states": states, "actions": actions}
    taken |= {"rewards": rewards, "returns": calculate_returns(rewards, 0.9)}
    taken = {f"episode/{name}": array for name, array in taken.items()}
    return taken | {"transitions": transition_probabilities_given_action, "rewards": reward_structure}


@rollouts.gap(cell=20)
def update_policy_mc(
    initial_state,
    transition_probabilities_given_action,
    reward_structure,
    terminal_states,
    stochastic_policy,
    gamma,
    n_rollouts=1,
):
    totals, counts, update = np.zeros((4, 16)), np.zeros((4, 16)), {"starts": [], "lengths": []}
    update |= {"states": [], "actions": []}
    setting = (transition_probabilities_given_action, reward_structure, terminal_states, stochastic_policy)
    for _ in range(n_rollouts):
        start = np.random.randint(15)
        states, rewards, actions = get_one_episode(start, *setting)
        later = 0.0
        for state, action, reward in zip(states[-2::-1], actions[::-1], rewards[::-1]):
            later = reward + gamma * later
            totals[action, state] += later
            counts[action, state] += 1
        for name, value in zip(update, ([start], [len(actions)], states[1:], actions)):
            update[name].extend(value)
    values = totals / (counts + 0.00001)
    globals().setdefault("updates", []).append(
        update | {"totals": totals, "counts": counts, "values": values}
    )
    return values.argmax(0), values


@rollouts.gap(cell=21)
def n_policy_update():
    return 15


@rollouts.record(cell=21)
def controlled():
    taken = {"policies": all_policies, "values": [update["values"] for update in updates]}
    taken |= {
        f"{name}": np.concatenate([update[name] for update in updates]) for name in ("starts", "lengths")
    }
    for name in ("states", "actions"):
        taken[name] = np.concatenate([update[name] for update in updates[:3]]).astype(np.uint8)
    for name in ("totals", "counts"):
        taken[name] = [update[name] for update in updates[:3]]
    others = []
    for seed in range(1, 11):
        np.random.seed(seed)
        choice, run = np.random.choice(size=16, a=np.arange(4)), []
        for _ in range(12):
            soft = deterministic_policy_to_epsilon_greedy(choice)
            tables = (transition_probabilities_given_action, reward_structure, terminal_states)
            choice, _ = update_policy_mc(initial_state, *tables, soft, gamma, n_rollouts=100)
            run.append(choice)
        others.append(run)
    return taken | {"other_seeds": np.array(others, np.uint8)}


# 19.4 Temporal difference methods ----------------------------------------------------------------


@differences.gap(cell=13)
def q_learning_step(state_action_values, reward, state, new_state, action, is_terminal, gamma, alpha=0.1):
    global heard
    heard = globals().get("heard", [])
    after = np.array(state_action_values)
    target = reward + (0 if is_terminal else gamma * after[:, new_state].max())
    after[action, state] = (1 - alpha) * after[action, state] + alpha * target
    heard.append((state, action, reward, new_state, is_terminal, after))
    return after


@differences.record(cell=15)
def one_update():
    global heard
    moves, heard = heard, []
    taken = {"one/q": state_action_values, "one/after": state_action_values_after, "gamma": gamma}
    taken |= {"one/move": moves[0][:5], "one/before_update": state_action_values[action, initial_state]}
    return taken | {"transitions": transition_probabilities_given_action, "rewards": reward_structure}


@differences.record(cell=17)
def twenty_thousand():
    global heard
    moves, heard = heard, []
    marks = [1, 2, 5, 10, 100, 1_000, 5_000, 10_000, 20_000]
    taken = {"run/moves": np.array([move[:5] for move in moves], np.int8), "run/marks": marks}
    taken |= {"run/tables": [moves[mark - 1][5] for mark in marks], "run/policy": policy.astype(int)}
    np.random.seed(5)
    generator, table = np.random.default_rng(0), np.random.normal(size=(3, 7))
    lists = [generator.integers(0, high, 200) for high in (7, 3, 7)]
    ended, bonus = generator.random(200) < 0.1, generator.normal(size=200)
    start = table
    for now, deed, then, end, reward in zip(*lists, ended, bonus):
        table = q_learning_step(table, reward, now, then, deed, end, 0.7, alpha=0.3)
    heard = []
    elsewhere = {"q": start, "moves": np.stack(lists), "terminal": ended, "rewards": bonus, "after": table}
    return taken | {f"elsewhere/{name}": array for name, array in elsewhere.items()}


@differences.record(cell=21)
def one_episode():
    np.random.seed(2)
    start = np.random.normal(size=(n_action, n_state))
    start[:, 15] = 0
    taken = {"episode/q": start, "episode/states": states, "episode/actions": actions}
    return taken | {"episode/after": state_action_values}


@differences.instead(cell=22)
def no_waiting():
    """Leave out the pictures of the episode, each of which waits a second and a half."""


# 19.5 Control variates ---------------------------------------------------------------------------


@variates.gap(cell=7)
def mean_of_estimator_1():
    global plain
    np.random.seed(0)
    plain = get_samples(n_estimate * N)[0].reshape(n_estimate, N).mean(1)
    return plain.mean()


@variates.gap(cell=7)
def std_of_estimator_1():
    return plain.var()


@variates.gap(cell=9)
def mean_of_estimator_2():
    global helped
    np.random.seed(1)
    helped = np.subtract(*get_samples(n_estimate * N)).reshape(n_estimate, N).mean(1)
    return helped.mean()


@variates.gap(cell=9)
def std_of_estimator_2():
    return helped.var()


@variates.record(cell=9)
def estimates():
    taken = {"plain": plain[::1000], "helped": helped[::1000], "N": N}
    taken |= {"plain_moments": [mean_of_estimator_1, std_of_estimator_1]}
    taken |= {"helped_moments": [mean_of_estimator_2, std_of_estimator_2]}
    variances = []
    for seed in range(10):
        np.random.seed(10 + seed)
        both = get_samples(n_estimate * N)
        variances.append([part.reshape(n_estimate, N).mean(1).var() for part in (both[0], both[0] - both[1])])
    taken |= {"variances": variances, "elsewhere/settings": [(-0.4, 3), (0.1, 40), (1.0, 7)]}
    for k, (correlation, count) in enumerate(taken["elsewhere/settings"]):
        np.random.seed(k)
        taken[f"elsewhere/{k}"] = np.stack(get_samples(20 * count, correlation)).reshape(2, 20, count)
    return taken
