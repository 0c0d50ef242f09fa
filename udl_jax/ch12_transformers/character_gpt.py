"""A language model of single characters, trained on *Moby-Dick*."""

import dataclasses
import functools
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import unflatten_dict
from jaxtyping import Array, Float, Int, Key, PyTree

from udl_jax import training
from udl_jax._annotations import as_key
from udl_jax._checks import count
from udl_jax.ch12_transformers.alphabet import Alphabet, find_alphabet, windows
from udl_jax.ch12_transformers.language_model import Config, LanguageModel
from udl_jax.data.moby import load_moby

_WEIGHTS = "character_gpt.npz"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Size of the model and of its training.

    Parameters
    ----------
    width, layers, heads, context
        As in :class:`udl_jax.ch12_transformers.language_model.Config`.
    batch
        Windows of text in a batch.
    steps
        Of training.
    rate
        The learning rate's peak, after ``warm_up`` steps; then it follows half a cosine down to zero.
    warm_up
        Steps in which the rate rises from zero.
    decay
        Weight decay.
    evaluations
        How often training stops to look at held-out text; must divide ``steps``.

    Raises
    ------
    ValueError
        If a number is less than 1, or ``evaluations`` does not divide ``steps``.
    """

    width: int = 64
    layers: int = 2
    heads: int = 4
    context: int = 64
    batch: int = 32
    steps: int = 300
    rate: float = 1e-2
    warm_up: int = 50
    decay: float = 0.1
    evaluations: int = 6

    def __post_init__(self):
        for name in ("width", "layers", "heads", "context", "batch", "steps", "evaluations"):
            count(name, getattr(self, name))
        if self.steps % self.evaluations:
            raise ValueError(f"evaluations must divide steps, {self.steps}, got {self.evaluations}")

    def config(self, vocabulary: int) -> Config:
        """Describe the model for an alphabet of so many characters."""
        return Config(vocabulary, self.context, self.width, self.layers, self.heads)


#: The training whose weights ship with this package.
FULL = Settings(width=128, layers=4, context=128, steps=2400, warm_up=150, rate=5e-3, evaluations=12)


@functools.cache
def make_recipe(settings: Settings, vocabulary: int, *, windows: int = 256) -> training.Recipe:
    """Make the recipe: AdamW whose rate rises and falls, cross-entropy of the next character in nats.

    Training text is evaluated on its first 256 windows, or on all if there are only so many ``windows``.
    """
    rate = optax.warmup_cosine_decay_schedule(0.0, settings.rate, settings.warm_up, settings.steps)
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(rate, b2=0.99, weight_decay=settings.decay)
    )
    evaluation = training.Evaluation(batch=64, rows=min(256, windows))
    return training.Recipe(LanguageModel(settings.config(vocabulary)), optimiser, evaluation=evaluation)


def prepare(
    key: Key[Array, ""], text: Int[np.ndarray, " length"], vocabulary: int, settings: Settings
) -> tuple[training.Recipe, training.State, training.Examples, Int[np.ndarray, "evaluations steps batch"]]:
    """Draw initial weights and the order of the windows; return what :func:`udl_jax.training.train` needs.

    Windows start at every eighth character, so that a short training meets the text in many cuts.
    """
    examples = windows(text, settings.context, stride=8)
    recipe = make_recipe(settings, vocabulary, windows=min(256, len(examples.x)))
    key_weights, key_order = jax.random.split(as_key("key", key))
    variables = training.initialise(recipe.model, key_weights, jnp.asarray(examples.x[:1]))
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key_order)))
    shape = (settings.evaluations, settings.steps // settings.evaluations, settings.batch)
    order = generator.integers(len(examples.x), size=shape, dtype=np.int32)
    return recipe, training.start(recipe, variables), examples, order


def train_characters(
    key: Key[Array, ""],
    train: Int[np.ndarray, " length"],
    test: Int[np.ndarray, " held_out"],
    settings: Settings,
) -> training.Fit:
    """Train a model of characters; the history has losses in nats a character, and percentages of wrong guesses.

    Parameters
    ----------
    key
        Decides initial weights and order.
    train, test
        Texts as numbers of characters, of which the larger text must have all. Of the held-out text every fourth window is
        looked at during training.
    settings
        Size of the model and of its training.

    Returns
    -------
    training.Fit
        Final state and history.

    Raises
    ------
    ValueError
        If a text is shorter than a window, or the held-out one has characters that the other has not.

    References
    ----------
    Prince (2023), section 12.7.
    """
    vocabulary = int(np.max(train)) + 1
    if np.max(test) >= vocabulary:
        raise ValueError(f"test has characters beyond the {vocabulary} of train")
    recipe, state, examples, order = prepare(key, train, vocabulary, settings)
    held_out = windows(test, settings.context, stride=4 * settings.context)
    return training.Fit(*training.train(recipe, state, examples, held_out, order))


def nats_per_character(
    model: LanguageModel, variables: Mapping[str, PyTree], numbers: Int[np.ndarray, " length"]
) -> Float[Array, ""]:
    """Measure how well a model predicts a text: the mean negative log-probability of its characters, in nats.

    The text is cut into windows that lie side by side, so that on average half of the context is in view.

    Parameters
    ----------
    model, variables
        What is measured.
    numbers
        A text as numbers of characters, longer than the model's context.

    Returns
    -------
    Float[Array, ""]
        Nats a character; the logarithm of the number of characters if nothing is known.
    """
    examples = windows(numbers, model.config.context)
    score = functools.partial(_score, model, variables)
    return jnp.mean(jax.lax.map(lambda pair: score(*pair), tuple(examples), batch_size=64))


class Trained(NamedTuple):
    """A model that ships with this package.

    Attributes
    ----------
    model, variables
        To be applied.
    alphabet
        Its characters.
    history
        How training went: evaluations of training and held-out text.
    provenance
        How it was made.
    """

    model: LanguageModel
    variables: dict[str, PyTree]
    alphabet: Alphabet
    history: training.History
    provenance: str


def load_trained() -> Trained:
    """Load the weights that ``FULL`` gave on the first nine tenths of *Moby-Dick*; they ship in half precision.

    Returns
    -------
    Trained
        The model in JAX's default precision, and how it came about.

    Examples
    --------
    >>> trained = load_trained()
    >>> trained.model.config.vocabulary, len(trained.alphabet.characters)
    (80, 80)
    """
    alphabet = find_alphabet(load_moby())
    with (
        resources.files("udl_jax.data").joinpath("recorded", _WEIGHTS).open("rb") as file,
        np.load(file) as archive,
    ):
        stored = dict(archive)
    found = {
        name.removeprefix("params/"): leaf for name, leaf in stored.items() if name.startswith("params/")
    }
    dtype = jnp.result_type(float)
    params = unflatten_dict({name: jnp.asarray(leaf, dtype) for name, leaf in found.items()}, sep="/")
    history = training.History(
        *(training.Measures(stored[f"{part}/loss"], stored[f"{part}/error"]) for part in ("train", "test"))
    )
    model = LanguageModel(FULL.config(len(alphabet.characters)))
    return Trained(model, {"params": params}, alphabet, history, str(stored["provenance"]))


@functools.partial(jax.jit, static_argnums=0)
def _score(model, variables, x, y):
    likely = jax.nn.log_softmax(model.apply(variables, x))
    return -jnp.take_along_axis(likely, y[:, None].astype(int), axis=-1).mean()
