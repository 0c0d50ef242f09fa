"""Chapter 10."""

from pathlib import Path

import numpy as np

from parity.completions import Completion, Take

# 10.1 Convolution of signals ---------------------------------------------------------------------

convolution_1d = Completion("10.1")


def slide(signal, weights, stride=1, dilation=1):
    """Convolve by NumPy's own routine, which turns the kernel round; a gap is a weight of zero."""
    spread = np.zeros(dilation * (len(weights) - 1) + 1)
    spread[::dilation] = weights
    return np.convolve(np.pad(signal, len(spread) // 2), spread[::-1], mode="valid")[::stride]


@convolution_1d.gap(cell=6)
def conv_3_1_1_zp(signal, weights, slide=slide):
    return slide(signal, weights)


@convolution_1d.gap(cell=12)
def conv_3_2_1_zp(signal, weights, slide=slide):
    return slide(signal, weights, stride=2)


@convolution_1d.gap(cell=14)
def conv_5_1_1_zp(signal, weights, slide=slide):
    return slide(signal, weights)


@convolution_1d.gap(cell=16)
def conv_3_1_2_zp(signal, weights, slide=slide):
    return slide(signal, weights, dilation=2)


@convolution_1d.gap(cell=19)
def get_conv_mat_3_1_1_zp(size, weights):
    return sum(np.diag(np.full(size - abs(k), w), k) for w, k in zip(weights, (-1, 0, 1)))


@convolution_1d.record(cell=20)
def convolved():
    generator = np.random.default_rng(0)
    book = {"x": x, "smoothed": h, "differences": h2, "stride": h3, "wide": h4, "dilated": h5}
    book |= {"omega": omega, "twice_first": h6, "by_matrix": h7, "matrix": omega_mat}
    book |= {"twice": conv_3_1_1_zp(h6, omega), "twice_by_matrix": omega_mat @ omega_mat @ x}
    for length in (1, 2, 5, 40):
        signal, three, five = (
            generator.normal(size=length),
            generator.normal(size=3),
            generator.normal(size=5),
        )
        book |= {
            f"elsewhere/{length}/x": signal,
            f"elsewhere/{length}/three": three,
            f"elsewhere/{length}/five": five,
            f"elsewhere/{length}/plain": conv_3_1_1_zp(signal, three),
            f"elsewhere/{length}/stride": conv_3_2_1_zp(signal, three),
            f"elsewhere/{length}/wide": conv_5_1_1_zp(signal, five),
            f"elsewhere/{length}/dilated": conv_3_1_2_zp(signal, three),
            f"elsewhere/{length}/matrix": get_conv_mat_3_1_1_zp(length, three)
            if length > 1
            else [[three[1]]],
        }
    return book


# 10.3 Convolution of images ----------------------------------------------------------------------

convolution_2d = Completion("10.3")


def slide_window(images, kernels, step, pad):
    """Look at all windows at once, and sum over what they show."""
    padded = np.pad(images, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernels.shape[2:], axis=(2, 3))
    return np.einsum("bcyxij,ocij->boyx", windows[:, :, ::step, ::step], kernels)


@convolution_2d.gap(cell=6)
def conv_numpy_1(image, weights, pad=1, slide_window=slide_window):
    return slide_window(image, weights, 1, pad)


def with_stride(image, weights, stride=1, pad=1, slide_window=slide_window):
    return slide_window(image, weights, stride, pad)


convolution_2d.gaps[9] = {"conv_numpy_2": with_stride}
convolution_2d.gaps[12] = {"conv_numpy_3": with_stride}
convolution_2d.gaps[15] = {"conv_numpy_4": with_stride}


def example(name):
    """Make what records one of the notebook's four examples."""

    def record(name=name):
        return {
            f"{name}/images": input_image,
            f"{name}/kernels": conv_weights,
            f"{name}/pytorch": conv_results_pytorch,
            f"{name}/numpy": conv_results_numpy,
        }

    return record


for cell, name in {7: "simple", 10: "stride", 13: "channels"}.items():
    convolution_2d.records[cell] = example(name)


@convolution_2d.record(cell=16)
def batches():
    generator = np.random.default_rng(0)
    book = {
        "batch/images": input_image,
        "batch/kernels": conv_weights,
        "batch/pytorch": conv_results_pytorch,
        "batch/numpy": conv_results_numpy,
    }
    # images (batch, channels, height, width), kernel's size, output channels, stride, padding
    settings = [
        ((3, 2, 7, 5), (2, 3), 4, 1, 0),
        ((1, 3, 9, 8), (5, 3), 1, 3, 2),
        ((2, 1, 1, 1), (1, 1), 2, 1, 0),
        ((2, 4, 6, 11), (4, 4), 3, 2, 1),
    ]
    for number, (shape, size, outputs, step, pad) in enumerate(settings):
        images = generator.normal(size=shape)
        kernels = generator.normal(size=(outputs, shape[1], *size))
        book |= {
            f"elsewhere/{number}/images": images,
            f"elsewhere/{number}/kernels": kernels,
            f"elsewhere/{number}/settings": [step, pad],
            f"elsewhere/{number}/pytorch": conv_pytorch(images, kernels, step, pad),
            f"elsewhere/{number}/numpy": conv_numpy_4(images, kernels, step, pad),
        }
    return book


# 10.4 Smaller and larger images ------------------------------------------------------------------

resampling = Completion("10.4")


@resampling.gap(cell=4)
def downsample(x_in):
    return x_in[::2, ::2].astype(float)


@resampling.instead(cell=7)
def picture():
    import matplotlib.cbook  # noqa: PLC0415

    # In place of the download: a photograph that comes with Matplotlib, cropped to a multiple of eight.
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        photograph = Image.open(file).convert("L")
        photograph.crop((150, 60, 390, 340)).save("test_image.png")


@resampling.gap(cell=9)
def maxpool(x_in):
    rows, columns = (n // 2 for n in x_in.shape)
    return x_in[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).max((1, 3)).astype(float)


@resampling.gap(cell=13)
def meanpool(x_in):
    rows, columns = (n // 2 for n in x_in.shape)
    return x_in[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))


@resampling.gap(cell=18)
def duplicate(x_in):
    return np.kron(x_in, np.ones((2, 2)))


@resampling.gap(cell=22)
def max_unpool(x_in, x_high_res):
    raised = np.zeros([2 * n for n in x_in.shape])
    for i, j in np.ndindex(x_in.shape):
        block = x_high_res[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = np.unravel_index(block.argmax(), block.shape)
        raised[2 * i + row, 2 * j + column] = x_in[i, j]
    return raised


@resampling.gap(cell=26)
def bilinear(x_in):
    rows, columns = x_in.shape
    around = np.pad(x_in, ((0, 1), (0, 1))).astype(float)
    here, right = around[:rows, :columns], around[:rows, 1:]
    below, across = around[1:, :columns], around[1:, 1:]
    raised = np.empty((2 * rows, 2 * columns))
    raised[::2, ::2] = here
    raised[::2, 1::2] = np.ceil((here + right) / 2)
    raised[1::2, ::2] = np.ceil((here + below) / 2)
    raised[1::2, 1::2] = np.ceil((here + right + below + across) / 4)
    return raised


@resampling.record(cell=28)
def pictures():
    generator = np.random.default_rng(0)
    book = {
        "patch": orig_4_4,
        "patch/downsampled": downsample(orig_4_4),
        "patch/max": maxpool(orig_4_4),
        "patch/mean": meanpool(orig_4_4),
        "small": orig_2_2,
        "small/duplicated": duplicate(orig_2_2),
        "small/unpooled": max_unpool(orig_2_2, orig_4_4),
        "small/bilinear": bilinear(orig_2_2),
        "picture": data,
    }
    names = {
        "downsample": (data_downsample, data_downsample2, data_downsample3),
        "max": (data_maxpool, data_maxpool2, data_maxpool3),
        "mean": (data_meanpool, data_meanpool2, data_meanpool3),
        "duplicate": (data_duplicate, data_duplicate2, data_duplicate3),
        "unpool": (data_max_unpool, data_max_unpool2, data_max_unpool3),
        "bilinear": (data_bilinear, data_bilinear2, data_bilinear3),
    }
    # The full size would fill megabytes: every third row and column of the larger ones.
    steps = {name: [3 if len(a) > 100 else 1 for a in arrays] for name, arrays in names.items()}
    for name, arrays in names.items():
        for level, (array, step) in enumerate(zip(arrays, steps[name]), 1):
            book[f"{name}/{level}"] = array[::step, ::step]
            book[f"{name}/{level}/sum"] = array.sum()
    odd = generator.normal(size=(7, 5))
    even = generator.integers(0, 4, size=(8, 6))  # few values, so many ties
    return book | {
        "elsewhere/odd": odd,
        "elsewhere/even": even,
        "elsewhere/odd/downsampled": downsample(odd),
        "elsewhere/odd/max": maxpool(odd),
        "elsewhere/odd/mean": meanpool(odd),
        "elsewhere/odd/duplicated": duplicate(odd),
        "elsewhere/odd/bilinear": bilinear(odd),
        "elsewhere/even/unpooled": max_unpool(maxpool(even), even),
        "elsewhere/even/bilinear": bilinear(even),
    }


# 10.2 A convolutional network on MNIST-1D --------------------------------------------------------

SEEDS = tuple(Take(f"seed_{seed}", seed=seed, exact=False) for seed in range(1, 11))
convolution_mnist1d = Completion(
    "10.2",
    takes=(
        Take("float64", seed=1, dtype="float64"),
        Take("float32", seed=1, exact=False),
        Take("twin", seed=1, twin=True, exact=False),
        *SEEDS,
    ),
)


@convolution_mnist1d.record(cell=5)
def seeds_of_the_order():
    global seeds
    from parity.draws import note_seeds  # noqa: PLC0415

    seeds = note_seeds()
    return {}


@convolution_mnist1d.gap(cell=7)
def model():
    layers, before = [], 1
    for _ in range(3):
        layers += [torch.nn.Conv1d(before, 15, 3, 2), torch.nn.ReLU()]
        before = 15
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(4 * before, D_o))


@convolution_mnist1d.record(cell=9)
def training():
    headline = {"test_error": errors_val[-1], "test_loss": losses_val[-1]}
    if take.name.startswith("seed"):
        return headline
    curves = {
        "train_loss": losses_train.astype(take.dtype),
        "train_error": errors_train.astype(take.dtype),
        "test_loss": losses_val.astype(take.dtype),
        "test_error": errors_val.astype(take.dtype),
    }
    if take.name == "twin":
        return curves
    initial = {f"initial/{i}": weights for i, weights in enumerate(tap.initial)}
    final = {f"final/{i}": weights for i, weights in enumerate(tap.weights())}
    first = {"first_visited": tap.order[0][:20], "last_visited": tap.order[-1][-20:]}
    return {"seeds": np.array(seeds), **first, **curves, **initial, **final}


# 10.5 A convolutional network on MNIST -----------------------------------------------------------

DIGITS = Path(__file__).parents[2] / "udl_jax" / "data" / "mnist_10k.npz"
convolution_mnist = Completion(
    "10.5",
    takes=(
        Take("plain/float64", seed=1, dtype="float64"),
        Take("plain/float32", seed=1, exact=False),
        Take("plain/twin", seed=1, twin=True, exact=False),
        Take("dropout/float64", seed=1, dtype="float64"),
        *SEEDS,
    ),
)


@convolution_mnist.instead(cell=2)
def libraries(DIGITS=DIGITS):
    """Import what the notebook does; in place of torchvision, which it downloads with, the digits that ship with us."""
    global torch, nn, F, optim, plt, random, device, torchvision, seeds
    import random  # noqa: PLC0415
    import types  # noqa: PLC0415

    import matplotlib.pyplot as plt  # noqa: PLC0415
    import numpy  # noqa: PLC0415
    import torch  # noqa: PLC0415
    import torch.nn.functional as F  # noqa: PLC0415
    from torch import nn, optim  # noqa: PLC0415

    from parity.draws import note_seeds  # noqa: PLC0415

    class Mnist(torch.utils.data.Dataset):
        def __init__(self, root, train, download, transform):
            with numpy.load(DIGITS) as stored:
                part = slice(8000) if train else slice(8000, None)
                self.images, self.labels = stored["images"][part], stored["labels"][part]
            self.transform = transform

        def __len__(self):
            return len(self.labels)

        def __getitem__(self, index):
            return self.transform(self.images[index]), int(self.labels[index])

    def in_turn(steps):
        def transform(image):
            for step in steps:
                image = step(image)
            return image

        return transform

    def to_tensor():
        return lambda image: torch.tensor(image[None]).to(torch.get_default_dtype()) / 255

    def normalize(mean, deviation):
        return lambda image: (image - mean[0]) / deviation[0]

    transforms = types.SimpleNamespace(Compose=in_turn, ToTensor=to_tensor, Normalize=normalize)
    torchvision = types.SimpleNamespace(datasets=types.SimpleNamespace(MNIST=Mnist), transforms=transforms)
    device = torch.device("cpu")
    seeds = note_seeds()


@convolution_mnist.record(cell=4)
def modules():
    global np, masks, curves
    import numpy as np  # noqa: PLC0415

    masks, curves = [], []
    return {}


@convolution_mnist.gap(cell=6)
def Net():
    """Build the network; a class to the notebook, which only calls it."""

    def drop(layer, images, result):
        if layer.training:
            masks.append((result[0].abs().amax((2, 3)) > 0).numpy())

    dropout = nn.Dropout2d(0.0 if take.name.startswith("plain") else 0.5)
    if take.name == "dropout/float64":
        dropout.register_forward_hook(lambda layer, images, result: drop(layer, images, [result]))
    features = [nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU()]
    features += [nn.Conv2d(10, 20, 5), dropout, nn.MaxPool2d(2), nn.ReLU()]
    classifier = [nn.Flatten(), nn.Linear(320, 50), nn.ReLU(), nn.Linear(50, 10), nn.LogSoftmax(1)]
    return nn.Sequential(*features, *classifier)


@convolution_mnist.record(cell=10)
def listen_to_the_test():
    global test

    theirs = test

    def test():
        theirs()
        measures = []
        with torch.no_grad():
            for loader in (train_loader, test_loader):
                digits = loader.dataset
                images = torch.stack([digits[i][0] for i in range(len(digits))])
                labels, scores = torch.tensor(digits.labels).long(), model(images)
                measures += [F.nll_loss(scores, labels).item(), (scores.argmax(1) != labels).sum().item()]
        curves.append(measures)

    return {}


@convolution_mnist.record(cell=11)
def trained():
    measured = np.array(curves).T
    headline = {"test_error": measured[3, -1] / 20, "test_loss": measured[2, -1]}
    if take.name.startswith("seed"):
        return headline
    taken = {
        "train_loss": measured[0].astype(take.dtype),
        "train_wrong": measured[1].astype(int),
        "test_loss": measured[2].astype(take.dtype),
        "test_wrong": measured[3].astype(int),
    }
    if take.twin:
        return taken
    # The sampler was asked by the first look at the test data, by the tests before and after training, and by it.
    order = slice(2, None, 2)
    taken |= {"seeds": np.array(seeds[order]), "first_visited": tap.order[2][:20]}
    taken |= {f"final/{i}": weights.ravel()[::5] for i, weights in enumerate(tap.weights())}
    if masks:  # with the seed of the run without dropout, it also starts from the same weights
        return taken | {"masks": np.packbits(np.array(masks)), "first": tap.initial[2].ravel()[:50]}
    return taken | {f"initial/{i}": weights for i, weights in enumerate(tap.initial)}
