"""Chapter 10."""

import numpy as np

from parity.completions import Completion

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
