"""The chapters of the book, and the folders that hold them."""

from dataclasses import dataclass


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


CHAPTERS = (
    Chapter(1, "Introduction", "ch01_background"),
    Chapter(2, "Supervised learning", "ch02_supervised_learning"),
    Chapter(3, "Shallow neural networks", "ch03_shallow_networks"),
    Chapter(4, "Deep neural networks", "ch04_deep_networks", ("layers", "linear_pieces")),
    Chapter(
        5,
        "Loss functions",
        "ch05_loss_functions",
        ("outputs", "special", "unbounded", "bounded", "discrete", "distributions", "sweeps", "heads"),
    ),
    Chapter(6, "Fitting models", "ch06_fitting", ("gabor",)),
    Chapter(7, "Gradients and initialization", "ch07_gradients", ("finite_differences", "stacked_network")),
    Chapter(8, "Measuring performance", "ch08_performance", ("simplified_network", "kept_results")),
    Chapter(9, "Regularization", "ch09_regularization", ("early_stopping",)),
    Chapter(10, "Convolutional networks", "ch10_convolution", ("descent",)),
    Chapter(11, "Residual networks", "ch11_residual_networks"),
    Chapter(
        12,
        "Transformers",
        "ch12_transformers",
        (
            "alphabet",
            "beam_search",
            "byte_level",
            "generation",
            "gpt2_files",
            "language_model",
            "ngrams",
            "pair_index",
            "strategies",
            "transformer",
        ),
    ),
    Chapter(
        13,
        "Graph neural networks",
        "ch13_graphs",
        (
            "adjacency",
            "drawing",
            "message_passing",
            "atlas",
            "block_model",
            "sampled_training",
            "graph_layers",
            "label_propagation",
        ),
    ),
    Chapter(
        14,
        "Unsupervised learning",
        "ch14_unsupervised",
        ("frechet", "neighbours", "densities", "digit_features"),
    ),
    Chapter(
        15,
        "Generative adversarial networks",
        "ch15_gans",
        ("critics", "divergences", "games", "ring", "sinkhorn"),
    ),
    Chapter(
        16,
        "Normalizing flows",
        "ch16_flows",
        (
            "binned_flow",
            "coupling",
            "lipschitz",
            "logistic_flow",
            "piecewise_linear",
            "residual_flow",
            "two_moons",
        ),
    ),
    Chapter(17, "Variational autoencoders", "ch17_vaes", ("gradient_estimators", "elbo_terms", "bounds")),
    Chapter(18, "Diffusion models", "ch18_diffusion", ("schedules", "mixture", "lookup_table", "networks")),
    Chapter(
        19,
        "Reinforcement learning",
        "ch19_reinforcement",
        (
            "processes",
            "grids",
            "grid_world",
            "pictures",
            "chains",
            "optimality",
            "soft_policies",
            "episode_lane",
            "experience",
            "td_control",
            "episodes",
            "environments",
            "cart_pole",
            "replay",
        ),
    ),
    Chapter(
        20,
        "Why does deep learning work?",
        "ch20_why_it_works",
        ("curvature", "pruning", "sparse_network", "perturbations"),
    ),
    Chapter(
        21,
        "Deep learning and ethics",
        "ch21_ethics",
        ("policies", "criteria", "black_box", "attributions"),
    ),
)
