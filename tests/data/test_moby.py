import gzip

import pytest

from udl_jax.data import moby


def test_text():
    text = moby.load_moby()
    assert len(text) == 1_191_267
    assert len(set(text)) == 80
    assert text.isascii()
    assert "Call me Ishmael." in text


@pytest.mark.parametrize(
    "content",
    [b"not packed", gzip.compress(b"another text", mtime=0), gzip.compress(b"x" * 99, mtime=0)[:20]],
)
def test_damaged_file_is_told(monkeypatch, tmp_path, content):
    tmp_path.joinpath("moby.txt.gz").write_bytes(content)
    monkeypatch.setattr(moby.resources, "files", lambda package: tmp_path)
    with pytest.raises(RuntimeError, match=r"moby\.txt\.gz is damaged"):
        moby.load_moby()


def test_split():
    train, test = moby.split_text("0123456789", 0.3)
    assert (train, test) == ("0123456", "789")
    text = moby.load_moby()
    parts = moby.split_text(text)
    assert "".join(parts) == text
    assert abs(len(parts.test) / len(text) - 0.1) < 1e-5


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_share_out_of_range_is_told(share):
    with pytest.raises(ValueError, match="held_out must lie strictly between 0 and 1"):
        moby.split_text("abc", share)


def test_empty_part_is_told():
    with pytest.raises(ValueError, match="leaves one part empty"):
        moby.split_text("abc", 0.01)
