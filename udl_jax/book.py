"""The catalogue: one record for each notebook of the book, and where its four rooms stand.

Documentation, command line and the completeness test read it; nothing repeats it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).parent
_NOTEBOOKS_ON_GITHUB = "https://github.com/udlbook/udlbook/blob/main/Notebooks"


class UnknownNotebook(LookupError):  # noqa: N818
    """Raised when the book has no notebook of that number; the message names the nearest ones."""


@dataclass(frozen=True)
class Chapter:
    """A chapter of the book.

    Parameters
    ----------
    number
        1 to 21.
    title
        The title that the book gives it.
    package
        The folder that holds it in each of the four trees, such as ``"ch08_performance"``.
    supporting
        Library modules that serve several notebooks: they have tests, but no page and no parity of their own.
    """

    number: int
    title: str
    package: str
    supporting: tuple[str, ...] = ()

    @property
    def notebooks(self) -> tuple["Notebook", ...]:
        """The chapter's notebooks, in the book's order."""
        return tuple(notebook for notebook in NOTEBOOKS if notebook.chapter is self)


@dataclass(frozen=True)
class Notebook:
    """A notebook of the book.

    Addresses are POSIX paths relative to the root of the repository.

    Parameters
    ----------
    number
        Chapter and place in the chapter, such as ``"8.1"``.
    title
        The title that the notebook opens with.
    module
        The library module, named after the subject.
    file
        The notebook's file name, without number and extension.
    sections, figures, equations
        Numbers in the book (MIT Press, 2023) of what the notebook works on or refers to.
    framework
        What the notebook computes with: ``"numpy"`` or ``"torch"``.

    Examples
    --------
    >>> notebook = find("8.1")
    >>> notebook.library
    'udl_jax/ch08_performance/mnist1d.py'
    >>> notebook.gallery
    'gallery/ch08_performance/plot_8_1_mnist1d.py'
    """

    number: str
    title: str
    module: str
    file: str
    sections: tuple[str, ...]
    figures: tuple[str, ...]
    equations: tuple[str, ...]
    framework: str = "numpy"

    @property
    def chapter(self) -> Chapter:
        """The chapter that the notebook belongs to."""
        return CHAPTERS[int(self.number.split(".")[0]) - 1]

    @property
    def slug(self) -> str:
        """The number as it stands in file names, such as ``"8_1"``."""
        return self.number.replace(".", "_")

    @property
    def library(self) -> str:
        """The address of the computation."""
        return f"udl_jax/{self.chapter.package}/{self.module}.py"

    @property
    def gallery(self) -> str:
        """The address of the page."""
        return f"gallery/{self.chapter.package}/plot_{self.slug}_{self.module}.py"

    @property
    def parity(self) -> str:
        """The address of the comparison with the book's own code."""
        return f"parity/{self.chapter.package}/test_{self.slug}_{self.module}.py"

    @property
    def tests(self) -> str:
        """The address of the property tests."""
        return f"tests/{self.chapter.package}/test_{self.module}.py"

    @property
    def recording(self) -> str:
        """The address of the arrays that the book's own code computed."""
        return f"parity/recorded/{self.slug}.npz"

    @property
    def dotted(self) -> str:
        """The library module's import name."""
        return f"udl_jax.{self.chapter.package}.{self.module}"

    @property
    def source(self) -> str:
        """The notebook's path under ``Notebooks/`` in the book's repository."""
        return f"Chap{self.chapter.number:02d}/{self.slug}_{self.file}.ipynb"

    @property
    def url(self) -> str:
        """The notebook's web page."""
        return f"{_NOTEBOOKS_ON_GITHUB}/{self.source}"

    @property
    def path(self) -> Path:
        """The library module's file in this installation, whether or not it exists yet."""
        return _PACKAGE / self.chapter.package / f"{self.module}.py"

    @property
    def done(self) -> bool:
        """Whether the library module exists."""
        return self.path.is_file()


def find(number: str) -> Notebook:
    """Return the notebook of this number.

    Parameters
    ----------
    number
        As the book writes it, ``"8.1"``, or as file names do, ``"8_1"``.

    Raises
    ------
    UnknownNotebook
        If the book has no such notebook.

    Examples
    --------
    >>> find("8_1").title
    'MNIST-1D performance'
    >>> find("8.9")
    Traceback (most recent call last):
        ...
    udl_jax.book.UnknownNotebook: the book has no notebook 8.9; the nearest are 8.2, 8.3 and 8.4
    """
    asked = number.strip().replace("_", ".")
    for notebook in NOTEBOOKS:
        if notebook.number == asked:
            return notebook
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", asked):
        first, last = NOTEBOOKS[0].number, NOTEBOOKS[-1].number
        raise UnknownNotebook(f"{number!r} is not the number of a notebook; they run from {first} to {last}")
    *others, last = _nearest(asked)
    raise UnknownNotebook(f"the book has no notebook {asked}; the nearest are {', '.join(others)} and {last}")


def _nearest(number: str, count: int = 3) -> list[str]:
    """Return the ``count`` existing numbers closest to ``number``: by chapter first, then by place in it."""
    chapter, place = _place(number)

    def distance(notebook: Notebook) -> tuple[int, int]:
        its_chapter, its_place = _place(notebook.number)
        return abs(its_chapter - chapter), abs(its_place - place)

    nearest = sorted(NOTEBOOKS, key=distance)[:count]
    return [notebook.number for notebook in NOTEBOOKS if notebook in nearest]


def _place(number: str) -> tuple[int, int]:
    """Split ``"8.3"`` into ``(8, 3)``; a chapter's number alone stands for its first notebook."""
    chapter, _, place = number.partition(".")
    return int(chapter), int(place or 1)


CHAPTERS = (
    Chapter(1, "Introduction", "ch01_background"),
    Chapter(2, "Supervised learning", "ch02_supervised_learning"),
    Chapter(3, "Shallow neural networks", "ch03_shallow_networks"),
    Chapter(4, "Deep neural networks", "ch04_deep_networks", ("linear_pieces",)),
    Chapter(
        5,
        "Loss functions",
        "ch05_loss_functions",
        ("outputs", "unbounded", "bounded", "discrete", "distributions", "sweeps", "heads"),
    ),
    Chapter(6, "Fitting models", "ch06_fitting", ("gabor",)),
    Chapter(7, "Gradients and initialization", "ch07_gradients", ("finite_differences", "stacked_network")),
    Chapter(8, "Measuring performance", "ch08_performance", ("simplified_network",)),
    Chapter(9, "Regularization", "ch09_regularization"),
    Chapter(10, "Convolutional networks", "ch10_convolution"),
    Chapter(11, "Residual networks", "ch11_residual_networks"),
    Chapter(12, "Transformers", "ch12_transformers"),
    Chapter(13, "Graph neural networks", "ch13_graphs"),
    Chapter(14, "Unsupervised learning", "ch14_unsupervised"),
    Chapter(15, "Generative adversarial networks", "ch15_gans"),
    Chapter(16, "Normalizing flows", "ch16_flows"),
    Chapter(17, "Variational autoencoders", "ch17_vaes"),
    Chapter(18, "Diffusion models", "ch18_diffusion"),
    Chapter(19, "Reinforcement learning", "ch19_reinforcement"),
    Chapter(20, "Why does deep learning work?", "ch20_why_it_works"),
    Chapter(21, "Deep learning and ethics", "ch21_ethics"),
)

# Two lines a record: which notebook it is, and what it refers to (sections, figures, equations).
# The book has 20.2 twice, the second time for a GPU: one record.
# fmt: off
NOTEBOOKS = (
    Notebook("1.1", "Background mathematics", "mathematics", "BackgroundMathematics",
             ("B.1.3",), (), ()),
    Notebook("2.1", "Supervised learning", "linear_regression", "Supervised_Learning",
             ("2.2",), ("2.2", "2.3"), ("2.4", "2.5")),
    Notebook("3.1", "Shallow neural networks I", "shallow_network", "Shallow_Networks_I",
             ("3.1",), ("2.2", "3.3"), ("3.1", "3.3", "3.4")),
    Notebook("3.2", "Shallow neural networks II", "two_inputs", "Shallow_Networks_II",
             ("3.3",), ("3.8",), ("3.9", "3.10", "3.12")),
    Notebook("3.3", "Shallow network regions", "regions", "Shallow_Network_Regions",
             ("3.4",), ("3.8", "3.9", "3.10"), ()),
    Notebook("3.4", "Activation functions", "activations", "Activation_Functions",
             ("3.1",), ("3.3", "3.13"), ("3.2",)),
    Notebook("4.1", "Composing networks", "composing", "Composing_Networks",
             ("4.1",), ("4.1",), ("4.1", "4.2", "4.3", "4.4")),
    Notebook("4.2", "Clipping functions", "clipping", "Clipping_functions",
             ("4.3",), ("4.5",), ("4.7", "4.8", "4.9")),
    Notebook("4.3", "Deep neural networks", "deep_network", "Deep_Networks",
             ("4.4",), ("4.6",), ("4.5", "4.15")),
    Notebook("5.1", "Least squares loss", "least_squares", "Least_Squares_Loss",
             ("5.1", "5.3"), ("5.4", "5.5"), ("5.3", "5.4", "5.7", "5.10", "5.11")),
    Notebook("5.2", "Binary cross-entropy loss", "binary_cross_entropy", "Binary_Cross_Entropy_Loss",
             ("5.2", "5.4"), ("5.7", "5.8"), ("5.3", "5.4", "5.17", "5.18", "5.20")),
    Notebook("5.3", "Multiclass cross-entropy loss", "multiclass_cross_entropy", "Multiclass_Cross_entropy_Loss",
             ("5.2", "5.5"), ("5.10",), ("5.3", "5.4", "5.22", "5.24")),
    Notebook("6.1", "Line search", "line_search", "Line_Search",
             ("6.1",), ("6.10",), ()),
    Notebook("6.2", "Gradient descent", "gradient_descent", "Gradient_Descent",
             ("6.1.1",), ("6.1",), ("6.3", "6.4", "6.5", "6.6", "6.7")),
    Notebook("6.3", "Stochastic gradient descent", "stochastic_gradient_descent", "Stochastic_Gradient_Descent",
             ("6.1.2", "6.2"), ("6.5",), ("6.3", "6.8", "6.9", "6.10")),
    Notebook("6.4", "Momentum", "momentum", "Momentum",
             ("6.3",), ("6.7",), ("6.11", "6.12")),
    Notebook("6.5", "Adam", "adam", "Adam",
             ("6.4",), ("6.9",), ("6.13", "6.14", "6.15", "6.16", "6.17")),
    Notebook("7.1", "Backpropagation in toy model", "toy_backpropagation", "Backpropagation_in_Toy_Model",
             ("7.3",), ("7.3", "7.4", "7.5"), ("7.5", "7.6", "7.8", "7.9", "7.11", "7.12", "7.13", "7.14")),
    Notebook("7.2", "Backpropagation", "backpropagation", "Backpropagation",
             ("7.4",), (), ("7.17", "7.22", "7.23", "7.25")),
    Notebook("7.3", "Initialization", "initialization", "Initialization",
             ("7.5",), ("7.7",), ("7.24", "7.25", "7.32", "7.33")),
    Notebook("8.1", "MNIST-1D performance", "mnist1d", "MNIST_1D_Performance",
             ("8.1",), ("7.8", "8.1", "8.2"), ("5.24",), "torch"),
    Notebook("8.2", "Bias-variance trade-off", "bias_variance", "Bias_Variance_Trade_Off",
             ("8.2", "8.3"), ("8.4", "8.9"), ("8.7",)),
    Notebook("8.3", "Double descent", "double_descent", "Double_Descent",
             ("8.4",), ("8.10",), ("5.24",), "torch"),
    Notebook("8.4", "High-dimensional spaces", "high_dimensions", "High_Dimensional_Spaces",
             (), (), ("8.8",)),
    Notebook("9.1", "L2 regularization", "l2_regularization", "L2_Regularization",
             ("9.1",), ("9.1",), ("9.2", "9.5")),
    Notebook("9.2", "Implicit regularization", "implicit_regularization", "Implicit_Regularization",
             ("9.2.1",), ("9.3", "9.5"), ("9.6", "9.7", "9.8")),
    Notebook("9.3", "Ensembling", "ensembling", "Ensembling",
             ("9.3.2",), ("8.4", "9.7"), ()),
    Notebook("9.4", "Bayesian approach", "bayesian_approach", "Bayesian_Approach",
             ("9.3.5", "C.3.3", "C.3.4"), ("8.4", "9.11"), ("9.11", "9.12")),
    Notebook("9.5", "Augmentation", "augmentation", "Augmentation",
             ("9.3.8",), (), ("5.24",), "torch"),
    Notebook("10.1", "1D convolution", "convolution_1d", "1D_Convolution",
             ("10.2",), ("10.2", "10.3", "10.4"), ("10.3",)),
    Notebook("10.2", "Convolution for MNIST-1D", "convolution_mnist1d", "Convolution_for_MNIST_1D",
             ("10.2.7",), ("10.7", "10.8"), ("5.24",), "torch"),
    Notebook("10.3", "2D convolution", "convolution_2d", "2D_Convolution",
             ("10.3",), (), ("10.6",), "torch"),
    Notebook("10.4", "Downsampling and upsampling", "resampling", "Downsampling_and_Upsampling",
             ("10.4",), ("10.11", "10.12"), ()),
    Notebook("10.5", "Convolution for MNIST", "convolution_mnist", "Convolution_For_MNIST",
             ("10.3",), ("15.15",), (), "torch"),
    Notebook("11.1", "Shattered gradients", "shattered_gradients", "Shattered_Gradients",
             ("11.1.1",), ("11.3",), ()),
    Notebook("11.2", "Residual networks", "residual_network", "Residual_Networks",
             ("11.2",), ("11.5",), ("5.24",), "torch"),
    Notebook("11.3", "Batch normalization", "batch_normalization", "Batch_Normalization",
             ("11.3", "11.4"), ("11.6",), ("5.24", "11.7", "11.8", "11.9"), "torch"),
    Notebook("12.1", "Self-attention", "self_attention", "Self_Attention",
             ("12.2", "12.3.2"), (), ("12.2", "12.3", "12.4", "12.5", "12.6", "12.7", "12.8", "12.9")),
    Notebook("12.2", "Multihead self-attention", "multihead_attention", "Multihead_Self_Attention",
             ("12.3.3",), ("12.6",), ("12.2", "12.4", "12.10", "12.11", "12.12")),
    Notebook("12.3", "Tokenization", "tokenization", "Tokenization",
             ("12.5.1",), ("12.8",), ()),
    Notebook("12.4", "Decoding strategies", "decoding", "Decoding_Strategies",
             ("12.7.3",), (), (), "torch"),
    Notebook("13.1", "Graph representation", "graph_representation", "Graph_Representation",
             ("13.2",), ("13.4",), ()),
    Notebook("13.2", "Graph classification", "graph_classification", "Graph_Classification",
             ("13.5",), (), ("13.11",)),
    Notebook("13.3", "Neighborhood sampling", "neighborhood_sampling", "Neighborhood_Sampling",
             ("13.7.1",), ("13.10",), ()),
    Notebook("13.4", "Graph attention networks", "graph_attention", "Graph_Attention_Networks",
             ("13.8.6",), ("13.12",), ("12.2", "12.4", "13.22", "13.23", "13.24")),
    Notebook("15.1", "GAN toy example", "toy_gan", "GAN_Toy_Example",
             ("15.1",), ("15.1",), ("15.1", "15.3", "15.5")),
    Notebook("15.2", "Wasserstein distance", "wasserstein", "Wasserstein_Distance",
             ("15.2.4",), ("15.8",), ("15.10", "15.11")),
    Notebook("16.1", "1D normalizing flows", "flow_1d", "1D_Normalizing_Flows",
             ("16.1",), ("16.1", "16.2", "16.3"), ("16.1",)),
    Notebook("16.2", "1D autoregressive flows", "autoregressive_flow", "Autoregressive_Flows",
             ("16.3.2", "16.3.4"), ("16.5", "16.7"), ("16.12", "16.16", "16.17")),
    Notebook("16.3", "Contraction mappings", "contraction", "Contraction_Mappings",
             ("16.3.7",), ("16.9",), ("16.20", "16.21")),
    Notebook("17.1", "Latent variable models", "latent_variables", "Latent_Variable_Models",
             ("17.2",), ("17.2", "17.3"), ("17.5", "17.6", "17.7", "17.19")),
    Notebook("17.2", "Reparameterization trick", "reparameterization", "Reparameterization_Trick",
             ("17.7",), (), ("17.33", "17.34")),
    Notebook("17.3", "Importance sampling", "importance_sampling", "Importance_Sampling",
             ("17.8.1",), (), ("17.27", "17.28")),
    Notebook("18.1", "Diffusion encoder", "encoder", "Diffusion_Encoder",
             ("18.2",), ("18.2", "18.3", "18.4"), ("18.1", "18.8", "18.10")),
    Notebook("18.2", "1D diffusion model", "diffusion_model", "1D_Diffusion_Model",
             ("18.3", "18.4"), ("18.7",), ("18.8", "18.15", "18.16")),
    Notebook("18.3", "1D reparameterized model", "reparameterized_model", "Reparameterized_Model",
             ("18.5",), ("18.7",), ("18.15", "18.35")),
    Notebook("18.4", "Families of diffusion models", "diffusion_families", "Families_of_Diffusion_Models",
             ("18.5", "18.6.2"), ("18.7", "18.10"), ("18.15",)),
    Notebook("19.1", "Markov decision processes", "markov_decision_process", "Markov_Decision_Processes",
             ("19.1",), ("19.2", "19.5"), ("19.1",)),
    Notebook("19.2", "Dynamic programming", "dynamic_programming", "Dynamic_Programming",
             ("19.3.1",), ("19.10",), ("19.11", "19.12")),
    Notebook("19.3", "Monte-Carlo methods", "monte_carlo", "Monte_Carlo_Methods",
             ("19.3.2",), ("19.10", "19.11"), ("19.13",)),
    Notebook("19.4", "Temporal difference methods", "temporal_difference", "Temporal_Difference_Methods",
             ("19.3.3",), ("19.10",), ("19.15",)),
    Notebook("19.5", "Control variates", "control_variates", "Control_Variates",
             ("19.5.3",), ("19.16",), ()),
    Notebook("20.1", "Random data", "random_data", "Random_Data",
             ("20.2.1",), ("20.1",), ("5.24",), "torch"),
    Notebook("20.2", "Full batch gradient descent", "full_batch", "Full_Batch_Gradient_Descent",
             ("20.2.3",), ("20.2",), ("5.24",), "torch"),
    Notebook("20.3", "Lottery tickets", "lottery_tickets", "Lottery_Tickets",
             ("20.5.1",), (), (), "torch"),
    Notebook("20.4", "Adversarial attacks", "adversarial_attacks", "Adversarial_Attacks",
             ("20.4.6",), (), (), "torch"),
    Notebook("21.1", "Bias mitigation", "bias_mitigation", "Bias_Mitigation",
             ("21.1.1",), ("21.2",), ()),
    Notebook("21.2", "Explainability", "explainability", "Explainability",
             ("21.1.4",), ("21.3",), ()),
)
# fmt: on
