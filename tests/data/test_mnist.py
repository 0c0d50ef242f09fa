import gzip
import hashlib
import http.server
import struct
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.data import mnist
from udl_jax.data.mnist import load_mnist, read_idx

NAMES = list(mnist.FILES)
DRAW = np.random.default_rng(0)


def images_idx(digits, side=28, magic=2051):
    pixels = np.random.default_rng(digits).integers(0, 256, digits * side * side).astype(np.uint8)
    return struct.pack(">4I", magic, digits, side, side) + pixels.tobytes()


def labels_idx(digits, magic=2049):
    labels = np.random.default_rng(digits).integers(0, 10, digits).astype(np.uint8)
    return struct.pack(">2I", magic, digits) + labels.tobytes()


CONTENT = dict(zip(NAMES, (images_idx(7), labels_idx(7), images_idx(3), labels_idx(3))))
PACKED = {name: gzip.compress(content) for name, content in CONTENT.items()}


def write(folder, packed=True, **changes):
    """Write the four files; changes name the first part of a file's name with dashes as underscores."""
    folder.mkdir(exist_ok=True)
    for name, content in CONTENT.items():
        key = name.split("-idx")[0].replace("-", "_")
        written = changes.get(key, content)
        if written is not None:
            path = folder / (name if packed else name.removesuffix(".gz"))
            path.write_bytes(gzip.compress(written) if packed else written)
    return folder


# The digits that ship


def test_shipped_digits_are_the_ten_thousand():
    digest = hashlib.sha256(mnist._SHIPPED.read_bytes()).hexdigest()
    assert digest == "f1a23f2fb1a1c97bb00a811807ddd50a888dbcdcdead94147993273c22ee3f37"
    data = load_mnist()
    assert data.x_train.shape == (8000, 28, 28, 1)
    assert data.x_test.shape == (2000, 28, 28, 1)
    counts = np.bincount(np.concatenate([data.y_train, data.y_test]))
    assert counts.tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert data.x_train.min() == 0
    assert data.x_train.max() == 1
    np.testing.assert_allclose(data.x_train.mean(), 0.131, atol=1e-3)


@pytest.mark.parametrize("wide", [False, True])
def test_types_are_jax_s_default_ones(wide):
    with jax.enable_x64(wide):
        data = load_mnist()
        assert data.x_train.dtype == data.x_test.dtype == jnp.result_type(float)
        assert data.y_train.dtype == data.y_test.dtype == jnp.result_type(int)


def test_standardized_pixels_have_mean_zero_and_deviation_one():
    x = np.asarray(load_mnist().x_train)
    scaled = np.asarray(mnist.standardize(x, float(x.mean(dtype=float)), float(x.std(dtype=float))), float)
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-3)
    assert mnist.standardize(x[:1]).dtype == x.dtype
    with pytest.raises(ValueError, match="deviation must be positive, got 0"):
        mnist.standardize(x, 0.1, 0.0)


def test_unknown_sizes_and_idle_folders_are_told(tmp_path):
    with pytest.raises(ValueError, match="size must be one of '10k', 'full', got '60k'"):
        load_mnist("60k")
    with pytest.raises(ValueError, match="a folder goes with size='full'"):
        load_mnist("10k", folder=tmp_path)


# A folder that holds the files


@pytest.mark.parametrize("packed", [True, False])
def test_folder_is_read_packed_or_not(tmp_path, packed):
    data = load_mnist("full", folder=write(tmp_path / "idx", packed))
    pixels = np.frombuffer(CONTENT[NAMES[0]][16:], np.uint8).reshape(7, 28, 28, 1)
    np.testing.assert_allclose(data.x_train, pixels / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.y_test, np.frombuffer(CONTENT[NAMES[3]][8:], np.uint8))
    assert data.x_test.shape == (3, 28, 28, 1)


def test_missing_file_is_told_by_name(tmp_path):
    folder = write(tmp_path / "idx", t10k_labels=None)
    with pytest.raises(FileNotFoundError, match=r"no file t10k-labels-idx1-ubyte, .* in the folder .*idx"):
        load_mnist("full", folder=folder)


SHORT = CONTENT[NAMES[0]][:-1]
DAMAGED = {
    "too short": (SHORT, "promises 5488 bytes and ends after 5487 of them"),
    "too long": (CONTENT[NAMES[0]] + b"\0", "promises 5488 bytes and goes on after them"),
    "no header": (b"\0\0\x08", "ends after 3 bytes, within its header"),
    "half a header": (CONTENT[NAMES[0]][:9], "its images are 0 by 0 pixels"),
    "labels": (CONTENT[NAMES[1]], "it holds labels; are two files swapped?"),
    "a web page": (b"<!DOCTYPE HTML><html>403</html>", "it begins with b'<!DOCTYP'"),
    "a bomb": (struct.pack(">4I", 2051, 2**32 - 1, 28, 28), "it promises 4294967295 digits"),
    "no digits": (struct.pack(">4I", 2051, 0, 28, 28), "it promises 0 digits"),
    "small images": (images_idx(7, side=14), "its images are 14 by 14 pixels, not 28 by 28"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_images_are_told_by_name(tmp_path, content, message, packed):
    folder = write(tmp_path / "idx", packed, train_images=content)
    with pytest.raises(
        ValueError, match=rf"train-images-idx3-ubyte.* is not MNIST's file of images: .*{message}"
    ):
        load_mnist("full", folder=folder)


def test_labels_beyond_nine_are_told(tmp_path):
    folder = write(tmp_path / "idx", t10k_labels=CONTENT[NAMES[3]][:-1] + b"\x0b")
    with pytest.raises(ValueError, match=r"t10k-labels.* it has a label 11, but there are 10 digits"):
        load_mnist("full", folder=folder)


def test_parts_that_are_swapped_are_told(tmp_path):
    folder = write(tmp_path / "idx", train_images=CONTENT[NAMES[2]], t10k_images=CONTENT[NAMES[0]])
    with pytest.raises(ValueError, match=r"3 images in train-images-.*, but 7 labels .*swapped\?"):
        load_mnist("full", folder=folder)


@pytest.mark.parametrize("cut", [1, 12, 40])
def test_packed_file_that_is_cut_off_is_told(tmp_path, cut):
    path = tmp_path / NAMES[0]
    path.write_bytes(PACKED[NAMES[0]][:-cut])
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is not MNIST's file of images"):
        read_idx(path, "images")


def test_packed_file_with_a_wrong_byte_is_told(tmp_path):
    content = bytearray(PACKED[NAMES[0]])
    content[len(content) // 2] ^= 255
    path = tmp_path / NAMES[0]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not MNIST's file of images"):
        read_idx(path, "images")


def test_packed_zeros_are_not_unpacked_without_end(tmp_path):
    path = tmp_path / NAMES[0]
    path.write_bytes(gzip.compress(images_idx(7) + bytes(30_000_000)))
    with pytest.raises(ValueError, match="goes on after them"):
        read_idx(path, "images")


# Downloads, from a server of our own


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mode, name = self.path.lstrip("/").split("/")
        self.server.asked.append((mode, name))
        body, status, length = PACKED[name], 200, len(PACKED[name])
        if mode == "forbidden":
            body, status = b"<html>no</html>", 403
            length = len(body)
        elif mode == "page":
            body = b"<!DOCTYPE HTML><html>sorry</html>"
            length = len(body)
        elif mode == "broken":
            body = body[: length // 2]
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """Serve small files in the place of the large ones; give a function that makes a mirror's address."""
    pytest.importorskip("pooch")
    monkeypatch.setenv("UDL_JAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "FILES", {n: hashlib.sha256(c).hexdigest() for n, c in PACKED.items()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def address(mode):
        return f"http://127.0.0.1:{server.server_port}/{mode}/"

    address.asked, address.folder = server.asked, tmp_path / "cache" / "mnist"
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def load(*mirrors):
    return load_mnist("full", mirrors=mirrors, progress=False)


def test_download_is_kept(mirror):
    first = load(mirror("good"))
    assert first.x_train.shape == (7, 28, 28, 1)
    assert sorted(path.name for path in mirror.folder.iterdir()) == sorted(NAMES)
    asked = len(mirror.asked)
    np.testing.assert_array_equal(load(mirror("forbidden")).x_train, first.x_train)
    assert len(mirror.asked) == asked == 4


@pytest.mark.parametrize("bad", ["forbidden", "page", "broken"])
def test_next_mirror_is_asked(mirror, bad):
    assert load(mirror(bad), mirror("good")).y_train.shape == (7,)
    assert [mode for mode, name in mirror.asked if name == NAMES[0]] == [bad, "good"]


@pytest.mark.parametrize("bad", ["forbidden", "page", "broken"])
def test_bad_download_leaves_nothing_and_is_told(mirror, bad):
    with pytest.raises(ConnectionError) as told:
        load(mirror(bad), mirror(bad))
    message = str(told.value)
    assert message.count(f"{mirror(bad)}{NAMES[0]}: ") == 2
    assert str(mirror.folder) in message
    assert "load_mnist('10k') needs no network" in message
    assert not mirror.folder.exists() or list(mirror.folder.iterdir()) == []


def test_without_a_network_it_is_told_what_was_tried(mirror):
    with pytest.raises(ConnectionError, match=r"http://127.0.0.1:9/train-images-idx3-ubyte.gz: .*"):
        load("http://127.0.0.1:9")


def test_partial_download_is_replaced(mirror):
    mirror.folder.mkdir(parents=True)
    (mirror.folder / NAMES[0]).write_bytes(PACKED[NAMES[0]][:100])
    assert load(mirror("good")).x_train.shape == (7, 28, 28, 1)
    assert (mirror.folder / NAMES[0]).read_bytes() == PACKED[NAMES[0]]


def test_partial_download_that_cannot_be_replaced_is_not_kept(mirror):
    mirror.folder.mkdir(parents=True)
    (mirror.folder / NAMES[0]).write_bytes(b"<!DOCTYPE HTML>")
    with pytest.raises(ConnectionError):
        load(mirror("forbidden"))
    assert list(mirror.folder.iterdir()) == []
