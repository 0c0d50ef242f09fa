"""A net under the library: every public function is tried with small inputs that its annotations ask for.

Nothing is named here that need not be: modules come from the catalogue's packages, inputs from annotations. Beside
them stand domains, that is what an annotation cannot say, and what the net cannot make or call, with reasons.
"""

import collections
import importlib
import inspect
import itertools
import pkgutil
import re
import typing
import zlib
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from udl_jax.book import CHAPTERS
from udl_jax.ch04_deep_networks.composing import Shallow
from udl_jax.ch04_deep_networks.layers import Layer
from udl_jax.ch05_loss_functions import unbounded
from udl_jax.ch05_loss_functions.distributions import Distribution
from udl_jax.ch07_gradients import backpropagation

#: Sizes of axes that functions hold to each other in ways of their own; others follow from the name.
SIZES = {
    "batch": 3,
    "inputs": 2,
    "columns": 2,
    "outputs": 2,
    "rows": 2,
    "hidden": 3,
    "units": 3,
    "height": 4,
    "width": 4,
    "kernel_height": 2,
    "kernel_width": 2,
}
#: Axes whose size is one more than that of another.
ONE_MORE = {
    "intercept_and_slopes": "inputs",
    "offset_and_weights": "hidden",
    "offset_and_weights_1": "hidden_1",
    "offset_and_weights_2": "hidden_2",
}
#: What the name of an argument says about its numbers, by the interval that they are drawn from.
DOMAINS = {
    r"deviations?|variance|rate|time|sigma_sq|by_layer|max_distance|threshold|delta|spread|epsilon|on_x_axis": (
        0.5,
        2.0,
    ),
    r"probability|probabilities|densities|t|beta|decay|gamma|factor|correlation": (0.2, 0.8),
    r"frequencies|defaulted|repaid|people|weight|root": (0.5, 2.0),
    r"proportions|grants|levels?|share|widths": (0.2, 0.8),
    r"x|z|outputs|scores|theta|phi": (-1.5, 1.5),
}
#: Domains of single arguments that their names do not tell: positive, and for widths not whole.
SPECIAL = {
    "special.stirling_error.x": (0.5, 20.0),
    "special.log_gamma_half_step.x": (0.5, 20.0),
    "special.deviance.x": (0.5, 2.0),
    "special.log_scaled_bessel.x": (0.1, 20.0),
    "regions.log_max_regions.hidden": (3.1, 3.9),
    "bias_mitigation.threshold_for_rate.rate": (0.2, 0.8),
    "attributions.counterfactual.x": (0.2, 0.8),
    "autoregressive_flow.log_determinant.h": (0.1, 0.9),
}
LABELS = {"y", "labels"}
#: Arguments that may have no entries.
MAY_BE_EMPTY = {
    "descend_in_batches.batches",
    "difference.a",
    "difference.b",
    "from_edges.edges",
    "predict.x",
}
FUNCTIONS = {
    "f": jnp.square,
    "activation": jnp.tanh,
    "loss": lambda phi: jnp.sum(jnp.cos(phi)),
    "function": lambda tree: sum(jnp.sum(jnp.cos(leaf)) for leaf in jax.tree.leaves(tree)),
    "gradient": lambda phi, *_: 2 * phi,
    "init": lambda params: (),
    "direction": lambda gradient, state: (gradient, state),
    "predict": lambda x: jnp.sum(jnp.cos(x), axis=-1),
    "criterion": lambda defaulted, repaid, level: level * jnp.ones_like(repaid),
}
#: Arguments that are words or whole numbers with a meaning.
CHOICES = {
    "gradient_descent.finite_differences.delta": 0.01,
    "outputs.columns.outputs": np.ones((3, 2)),
    "outputs.columns.distribution": "normal",
    "outputs.require.expected": "numbers",
    "outputs.require.holds": np.ones(3, bool),
    "regions.parameter_count.inputs": 3,
    "regions.parameter_count.hidden": 3,
    "momentum.check_decay.value": 0.5,
    "criteria.predictive_parity.defaulted": np.array([[4.0, 4.0, 1.0], [3.0, 2.0, 0.5]]),
    "criteria.predictive_parity.repaid": np.array([[1.0, 4.0, 7.0], [1.0, 2.0, 3.0]]),
    "criteria.predictive_parity.level": np.array(0.75),
    "bayesian_approach.posterior_by_inverse.prior_variance": 1.0,  # a wide one costs the digits that it says
    "block_model.draw_block_graph.within": 0.75,
    "block_model.draw_block_graph.between": 0.25,
    "transformer.allowed.at": 1,
    "convolution_2d.output_pixel.row": 1,
    "convolution_2d.output_pixel.column": 0,
    "convolution_mnist.most_confusing.number": 2,
    "explainability.individual_expectation.k": 1,
    "explainability.partial_dependence.k": 1,
    "explainability.slice_2d.across": 1,
    "explainability.slice_2d.up": 0,
    "composing.find_joints.networks": (Shallow(np.array([[0.5, 1.0], [0.25, -1.0]]), np.ones((1, 3))),),
    "composing.count_regions.networks": (Shallow(np.array([[0.5, 1.0], [0.25, -1.0]]), np.ones((1, 3))),),
}
#: Types that annotations name and the net cannot make, and why.
CANNOT_MAKE = {
    "Recipe": "a training: tests/training and each chapter try it",
    "Module": "a model, which has inputs of its own",
    "Mapping": "variables of a model",
}
#: Functions that the net does not call, and why.
CANNOT_CALL = {
    **dict.fromkeys(
        (
            "ch04_deep_networks.layers.check_layers",
            "ch05_loss_functions.discrete.is_label",
            "ch05_loss_functions.outputs.require",
            "ch05_loss_functions.outputs.within_support",
            "ch05_loss_functions.outputs.require_positive",
            "ch05_loss_functions.outputs.require_parameters",
            "ch05_loss_functions.outputs.observe",
            "ch07_gradients.stacked_network.check_variance",
            "ch13_graphs.message_passing.check_ends",
            "ch21_ethics.bias_mitigation.check_groups",
            "ch21_ethics.bias_mitigation.check_rising",
            "ch21_ethics.bias_mitigation.check_share",
            "ch21_ethics.policies.check_people",
        ),
        "is itself a check of what others are given",
    ),
    "ch04_deep_networks.deep_network.to_flax": "turns arrays around, whatever they are",
    "ch18_diffusion.reparameterized_model.table_model": "carries tables along, whatever they are",
}
#: What the net finds and is not mended yet. An entry fails as soon as it is no longer true.
OPEN: dict[str, tuple[str, ...]] = {}
#: Chapters of which the tables above tell all domains, so that a refusal of what the net makes is a failure.
DOMAINS_KNOWN = {f"ch{number:02d}" for number in range(1, 8)}
TRIED: collections.Counter = collections.Counter()
UNIONS = (typing.Union, type(int | str))
KEY = np.array([0, 7], np.uint32)


class CannotMake(Exception):  # noqa: N818
    """Raised where an annotation asks for what the net has no example of."""


def modules():
    for name in (*(chapter.package for chapter in CHAPTERS), "data"):
        if importlib.util.find_spec(f"udl_jax.{name}"):
            package = importlib.import_module(f"udl_jax.{name}")
            for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                yield importlib.import_module(found.name)


def public_functions():
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("_") or inspect.isclass(value) or not callable(value):
                continue
            if getattr(value, "__module__", None) == module.__name__:
                yield f"{module.__name__.removeprefix('udl_jax.')}.{name}", value


EVERY = dict(public_functions())


def short(name):
    return name.split(".", 1)[1]


def members_of(annotation):
    return typing.get_args(annotation) if typing.get_origin(annotation) in UNIONS else (annotation,)


def is_array(annotation):
    return isinstance(annotation, type) and hasattr(annotation, "dim_str") and hasattr(annotation, "dtypes")


def kind_of(annotation):
    dtypes = annotation.dtypes if isinstance(annotation.dtypes, tuple) else ("float32",)
    starts = {"key": "prng", "bool": "bool", "float": ("float", "bfloat"), "int": ("int", "uint")}
    return next((k for k, start in starts.items() if all(d.startswith(start) for d in dtypes)), "number")


def size_of(word):
    """Give each axis a size that follows from its name, so that the same name has the same everywhere."""
    if word.isdigit():
        return int(word)
    if word in ONE_MORE:
        return 1 + size_of(ONE_MORE[word])
    if word in SIZES:
        return SIZES[word]
    return 2 + zlib.crc32(word.encode()) % 3


class Maker:
    """Makes arguments, from annotations and from numbers that hypothesis draws."""

    def __init__(self, name, rng):
        self.name, self.rng = name, rng

    def shape(self, words):
        return sum(
            ((size_of("batch"),) if w.startswith(("*", "...")) else (size_of(w),) for w in words.split()), ()
        )

    def floats(self, name, shape):
        special = SPECIAL.get(f"{short(self.name)}.{name}")
        domain = next((d for names, d in DOMAINS.items() if re.fullmatch(names, name)), (-1.5, 1.5))
        return self.rng.uniform(*(special or domain), size=shape)

    def array(self, name, annotation):
        shape, kind = self.shape(annotation.dim_str.replace("#", "")), kind_of(annotation)
        if kind == "key":
            return jax.random.key(0) if not shape else jax.random.split(jax.random.key(0), shape)
        if kind == "bool":
            return self.rng.random(shape) < 0.5
        if kind == "int" or (kind == "number" and name in LABELS):
            return self.rng.integers(0, 2, shape).astype(np.int32)
        return self.floats(name, shape)

    def make(self, name, annotation, place=0):
        choice = CHOICES.get(f"{short(self.name)}.{name}")
        if choice is not None:
            return choice
        members = [member for member in members_of(annotation) if member is not type(None)]
        arrays = [member for member in members if is_array(member)]
        if arrays:
            if len(members) > len(arrays) and all(not array.dim_str for array in arrays):
                return float(self.floats(name, ()))
            return self.array(name, next((a for a in arrays if kind_of(a) == "float"), arrays[0]))
        return self.other(name, members[0], place)

    def other(self, name, kind, place):
        simple = {
            int: 2,
            bool: True,
            float: 0.5 + place,
            str: "forward",
            optax.GradientTransformation: optax.sgd(0.1),
        }
        if kind in simple:
            return simple[kind]
        if typing.get_origin(kind) is Callable:
            if name not in FUNCTIONS:
                raise CannotMake(f"a function called {name}")
            return FUNCTIONS[name]
        if typing.get_origin(kind) in (Sequence, tuple) and typing.get_args(kind):
            return self.several(name, typing.get_args(kind)[0], place)
        if kind in (Distribution, tuple):
            return unbounded.Normal(self.floats("mean", (3,)), self.floats("deviation", (3,)))
        if "PyTree" in str(kind):
            return self.floats(name, (3,))
        if isinstance(kind, type) and hasattr(kind, "_fields"):
            hints = typing.get_type_hints(kind)
            return kind(*(self.make(field, hints[field]) for field in kind._fields))
        raise CannotMake(getattr(kind, "__name__", str(kind)))

    def several(self, name, kind, place):
        if kind is int:
            return (3, 2)
        if kind is Layer:  # from "inputs" to "outputs"
            sizes = (size_of("inputs"), 3, size_of("outputs"))
            return tuple(
                Layer(self.floats("", (b,)), self.floats("", (b, a))) for a, b in itertools.pairwise(sizes)
            )
        if kind is Shallow:
            size = size_of("inputs")
            return 2 * (Shallow(self.floats("", (3, 1 + size)), self.floats("", (size, 4))),)
        raise CannotMake(getattr(kind, "__name__", str(kind)))


def arguments_of(name, function, rng):
    """Make what is needed; an argument with a default keeps it, unless it is an array."""
    maker, made = Maker(name, rng), {}
    for place, parameter in enumerate(inspect.signature(function).parameters.values()):
        several = parameter.kind is parameter.VAR_POSITIONAL
        if several and any(map(is_array, members_of(parameter.annotation))):
            made[parameter.name] = tuple(maker.make(parameter.name, parameter.annotation) for _ in range(2))
        elif (
            parameter.default is parameter.empty or f"{short(name)}.{parameter.name}" in CHOICES
        ) and not several:
            made[parameter.name] = BUILT.get(f"{short(name)}.{parameter.name}", maker_of)(
                maker, parameter, place, made
            )
    return made


def maker_of(maker, parameter, place, made):
    return maker.make(parameter.name, parameter.annotation, place)


def rising(maker, parameter, place, made):
    return np.sort(maker.make(parameter.name, parameter.annotation, place))


#: Arguments that come from another function of the library, or whose entries or sizes depend on each other.
BUILT = {
    "resampling.max_unpool.before": lambda maker, parameter, place, made: np.repeat(
        np.repeat(made["x"], 2, axis=0), 2, axis=1
    ),
    "bias_mitigation.rate_above.scores": rising,
    "bias_mitigation.threshold_for_rate.scores": rising,
    "explainability.individual_expectation.grid": rising,
    "explainability.partial_dependence.grid": rising,
    "explainability.slice_2d.grid": rising,
    "explainability.lime.noise": lambda maker, *_: maker.floats("x", (6, size_of("inputs"))),
    "initialization.sweep.draws": lambda maker, parameter, *_: jax.tree.map(
        lambda array: np.stack([array, array]), maker.make("draws", parameter.annotation)
    ),
    "backpropagation.backward_pass.forward": lambda maker, parameter, place, made: (
        backpropagation.forward_pass(made["layers"], maker.floats("x", (3, 2)))
    ),
}


def call(function, made):
    """Call a function that may take any number of arrays."""
    several = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.VAR_POSITIONAL]
    rest = [value for name in several for value in made.get(name, ())]
    first = [
        made[name] for name in inspect.signature(function).parameters if name in made and name not in several
    ]
    return function(*first, *rest) if several else function(**made)


def moving(made):
    """Part arguments into arrays, which are traced, and the rest."""
    leaves, tree = jax.tree.flatten(made)
    places = [k for k, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray | jax.Array)]

    def join(arrays):
        whole = list(leaves)
        for k, array in zip(places, arrays, strict=True):
            whole[k] = array
        return jax.tree.unflatten(tree, whole)

    return [leaves[k] for k in places], join


def is_floating(leaf):
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)


def cast(arrays, wrap, dtype):
    """Give real numbers a dtype, and a maker of arrays; leave keys alone."""
    return [
        wrap(np.asarray(a, dtype if np.asarray(a).dtype.kind == "f" else None))
        if np.ndim(a) and hasattr(a, "dtype") and not jnp.issubdtype(a.dtype, jax.dtypes.prng_key)
        else a
        for a in arrays
    ]


def numbers(tree):
    return [
        leaf
        for leaf in jax.tree.leaves(tree)
        if hasattr(leaf, "dtype") and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    ]


def assert_same(found, expected, tolerance=1e-4):
    for ours, theirs in zip(numbers(found), numbers(expected), strict=True):
        np.testing.assert_allclose(
            np.asarray(ours, float), np.asarray(theirs, float), rtol=tolerance, atol=tolerance
        )


def try_all_ways(name, function, number):
    made = arguments_of(name, function, np.random.default_rng(number))
    arrays, join = moving(made)
    try:
        plain = call(function, join(cast(arrays, jnp.asarray, np.single)))
    except (TypeError, ValueError):
        if name[:4] in DOMAINS_KNOWN:
            raise
        reject()
    TRIED["plain"] += 1
    for leaf in filter(is_floating, jax.tree.leaves(plain)):
        assert np.isfinite(np.asarray(leaf)).all(), "finite input, but not finite output"
    has_floats = any(np.ndim(a) and is_floating(a) for a in arrays)
    if has_floats:
        assert {leaf.dtype for leaf in jax.tree.leaves(plain) if is_floating(leaf)} <= {np.dtype(np.single)}
        assert_same(call(function, join(cast(arrays, np.asarray, np.single))), plain)
        TRIED["NumPy"] += 1
    if not arrays or not all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(plain)):
        return
    try:
        compiled = jax.jit(lambda arrays: call(function, join(arrays)))(cast(arrays, jnp.asarray, np.single))
    except TypeError as error:
        if "cannot run under jit" in str(error):  # said in words
            return
        raise
    assert_same(compiled, plain)
    TRIED["jit"] += 1
    twice = [jnp.stack([jnp.asarray(a)] * 2) for a in cast(arrays, jnp.asarray, np.single)]
    mapped = jax.vmap(lambda arrays: call(function, join(arrays)))(twice)
    assert_same(jax.tree.map(lambda leaf: leaf[1], mapped), plain)
    TRIED["vmap"] += 1
    if has_floats:
        with jax.enable_x64(True):
            try_in_double(function, arrays, join, plain, number)


def try_in_double(function, arrays, join, plain, number):
    double = cast(arrays, jnp.asarray, np.double)
    found = call(function, join(double))
    assert {leaf.dtype for leaf in jax.tree.leaves(found) if is_floating(leaf)} <= {np.dtype(np.double)}
    if not any(hasattr(a, "dtype") and jnp.issubdtype(a.dtype, jax.dtypes.prng_key) for a in arrays):
        assert_same(found, plain, 1e-3)  # random numbers are others in another precision
    TRIED["double"] += 1
    places = [k for k, a in enumerate(double) if np.ndim(a) and is_floating(a)]
    rng = np.random.default_rng(number)
    directions = [rng.normal(size=double[k].shape) for k in places]

    def total(distance):
        moved = list(double)
        for k, direction in zip(places, directions):
            moved[k] = double[k] + distance * direction
        leaves = filter(is_floating, jax.tree.leaves(call(function, join(moved))))
        return sum((jnp.sum(jnp.cos(leaf)) for leaf in leaves), jnp.zeros((), double[places[0]].dtype))

    slope = jax.grad(total)
    total, slope = jax.jit(total), jax.jit(slope)
    found = slope(0.0)
    assert np.isfinite(found), "gradient is not finite"
    rough, fine = ((total(h) - total(-h)) / (2 * h) for h in (1e-4, 1e-5))
    if abs(rough - fine) <= 1e-5 * max(1, abs(fine)):  # else there is a joint, and no derivative
        assert abs(found - fine) <= 1e-4 * max(1, abs(fine)), f"gradient {found}, differences {fine}"
        TRIED["gradient"] += 1


def refused_shapes(function, made):
    """Yield arguments of which one is empty or has an axis too many, by its name."""
    parameters = inspect.signature(function).parameters
    words = {}
    for name, parameter in parameters.items():
        dims = {member.dim_str for member in members_of(parameter.annotation) if is_array(member)}
        if name in made and len(dims) == 1 and np.ndim(made[name]) and hasattr(made[name], "dtype"):
            words[name] = dims.pop().split()
    for name, axes in words.items():
        if not jnp.issubdtype(made[name].dtype, jax.dtypes.prng_key):
            if f"{function.__name__}.{name}" not in MAY_BE_EMPTY:
                yield "empty", name, made | {name: made[name][:0]}
            starred = [word for word in axes if word.startswith("*")]
            alone = starred and sum(starred[0] in other for other in words.values()) == 1
            if "..." not in axes and not alone:
                yield "column", name, made | {name: made[name][..., None]}


def first_arguments(name):
    """Make arguments that the function accepts; skip one of a later chapter that wants what the net cannot know."""
    try:
        made = arguments_of(name, EVERY[name], np.random.default_rng(0))
        arrays, join = moving(made)
        call(EVERY[name], join(cast(arrays, jnp.asarray, np.single)))
    except CannotMake as error:
        if str(error) not in CANNOT_MAKE and name[:4] in DOMAINS_KNOWN:
            raise
        pytest.skip(CANNOT_MAKE.get(str(error), f"the net cannot make {error}"))
    except (OSError, TypeError, ValueError) as error:
        if name[:4] in DOMAINS_KNOWN:
            raise
        TRIED["refused, and told why"] += 1
        pytest.skip(f"the net does not know the domain: {error}")
    return made


def with_mark(name):
    found = [what for what, functions in OPEN.items() if name in functions]
    return pytest.param(
        name,
        marks=[pytest.mark.xfail(reason=what, strict=not what.startswith("without types")) for what in found],
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [with_mark(name) for name in EVERY])
def test_every_function_in_every_way(name):
    if name in CANNOT_CALL:
        pytest.skip(CANNOT_CALL[name])

    @settings(
        max_examples=2,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(number=st.integers(0, 2**32 - 1))
    def attempt(number):
        try_all_ways(name, EVERY[name], number)

    made = first_arguments(name)
    attempt()
    for what, argument, changed in refused_shapes(EVERY[name], made):
        with pytest.raises((TypeError, ValueError), match=argument):
            call(EVERY[name], changed)
        TRIED[what] += 1


def test_inputs_are_counted(capsys):
    with capsys.disabled():
        print(f"\nthe net: {len(EVERY)} functions, inputs tried: {dict(TRIED)}")
    assert EVERY
