"""The demo, its digits, its picture and its account of a call."""

from __future__ import annotations

import hashlib
import importlib.util
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

import tallow
from tallow.datasets import load_digits
from tallow.demo import LeNet, main
from tallow.demo.images import enlarge, enlarge_moved
from tallow.demo.picture import png_bytes, write_picture
from tallow.demo.steps import eight_steps
from tallow.demo.training import Progress, split_digits

ROOT = Path(__file__).parents[1]


def test_the_digits_are_the_known_ones():
    images, labels = load_digits()
    assert (tuple(images.shape), images.dtype) == ((1797, 8, 8), tallow.uint8)
    assert (tuple(labels.shape), labels.dtype) == ((1797,), tallow.int64)
    assert (images.min().item(), images.max().item()) == (0, 16)
    assert [(labels == digit).sum().item() for digit in range(10)] == [
        *(178, 182, 177, 183, 181),
        *(182, 181, 179, 174, 180),
    ]
    data = bytes(images.reshape(-1).tolist() + labels.tolist())
    assert hashlib.sha256(data).hexdigest() == (
        "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
    )


def test_the_tool_refuses_another_source(tmp_path):
    spec = importlib.util.spec_from_file_location("make_digits", ROOT / "tools" / "make_digits.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    (tmp_path / "digits.csv.gz").write_bytes(b"something else")
    with pytest.raises(SystemExit, match="SHA-256"):
        tool.read_source(tmp_path / "digits.csv.gz")


def test_learning_and_test_digits_do_not_overlap():
    learn, (images, labels) = split_digits()
    assert len(learn) + len(labels) == 1797
    assert tuple(images.shape) == (len(labels), 1, 28, 28)
    test = set(range(1797)) - set(learn.indices)
    assert labels.tolist() == [load_digits()[1][i].item() for i in sorted(test)] or len(
        test
    ) == len(labels)


def test_enlarged_digits_keep_their_place_and_ink():
    digit = tallow.zeros(1, 8, 8)
    digit[0, 2, 5] = 1
    large = enlarge(digit)[0, 0]
    row, column = divmod(int(large.argmax().item()), 28)
    assert (row // 3.5, column // 3.5) == (2, 5)
    assert large.sum().item() == pytest.approx(3.5**2, rel=1e-4)
    assert tallow.equal(enlarge(tallow.ones(2, 8, 8))[:, :, 4:24, 4:24], tallow.ones(2, 1, 20, 20))


def test_moved_digits_are_random_but_reproducible():
    digits = tallow.rand(3, 8, 8)
    tallow.manual_seed(1)
    first = enlarge_moved(digits)
    tallow.manual_seed(1)
    assert tallow.equal(enlarge_moved(digits), first)
    assert not tallow.equal(enlarge_moved(digits), first)


def decoded(data: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of a PNG file with 8-bit colours and no filters."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, chunks = 8, {}
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        position += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height = struct.unpack(">2I", chunks[b"IHDR"][:8])
    assert chunks[b"IHDR"][8:] == bytes([8, 2, 0, 0, 0])
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[i : i + 1 + 3 * width] for i in range(0, len(raw), 1 + 3 * width)]
    assert len(rows) == height
    assert all(row[0] == 0 for row in rows)
    return width, height, [row[1:] for row in rows]


def test_png_files_hold_the_pixels():
    picture = tallow.randint(0, 256, (5, 7, 3), dtype=tallow.uint8)
    width, height, rows = decoded(png_bytes(picture))
    assert (width, height) == (7, 5)
    assert [list(row) for row in rows] == picture.view(5, 21).tolist()


def test_the_picture_shows_mistakes_first_in_red(tmp_path):
    images = tallow.zeros(100, 1, 28, 28)
    labels = tallow.arange(100) % 10
    read = labels.clone()
    read[50] = (read[50] + 1) % 10
    assert write_picture(tmp_path / "x.png", images, labels, read) == 72
    width, _, rows = decoded((tmp_path / "x.png").read_bytes())
    colours = {tuple(row[3 * x : 3 * x + 3]) for row in rows[4:60] for x in range(4, width) if True}
    assert (0xCF, 0x22, 0x2E) in colours
    assert (0x1A, 0x7F, 0x37) in colours
    first = {tuple(row[3 * x : 3 * x + 3]) for row in rows[4:60] for x in range(4, 60)}
    assert first == {(255, 255, 255), (0xCF, 0x22, 0x2E)}


def test_the_eight_steps_come_in_order():
    net = LeNet()
    lines = eight_steps(net, tallow.zeros(1, 1, 28, 28))
    order = ["Reader.__call__", "pre-hook _note_shape", "forward", "lenet: LeNet.__call__"]
    order += ["pre-hook _note_shape", "forward", "layer1: Sequential", "layer2: Sequential"]
    order += ["op view", "layer3: Sequential", "forward hook _note_output"]
    order += ["Probabilities.apply", "op softmax", "forward hook _note_output"]
    shown = iter(lines)
    for words in order:
        assert any(words in line for line in shown), words
    assert "f32[1, 1, 28, 28]" in lines[1]
    assert lines[-1].endswith("no change")
    assert not net._forward_hooks
    assert not net._forward_pre_hooks


def test_progress_stays_on_one_line_of_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    progress = Progress(10)
    for done in range(1, 11):
        progress.show(done, 0.5, 0.9)
    text = capsys.readouterr().out
    assert text.count("\r") == 10
    assert text.count("\n") == 1
    assert text.endswith("\n")


def test_the_demo_reads_98_percent_in_a_minute_without_numpy(tmp_path):
    program = (
        "import sys\n"
        "from tallow.demo import main\n"
        "status = main(['--output', sys.argv[1]])\n"
        "assert 'numpy' not in sys.modules\n"
        "sys.exit(status)\n"
    )
    start = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.perf_counter() - start < 60
    assert "bit for bit" in result.stdout
    assert (tmp_path / "lenet.pt").exists()
    assert decoded((tmp_path / "digits.png").read_bytes())[0] == 724
    net = LeNet()
    net.load_state_dict(tallow.load(tmp_path / "lenet.pt"))


def test_a_run_that_learns_too_little_says_so(tmp_path, capsys):
    assert main(["--passes", "1", "--output", str(tmp_path)]) == 1
    assert "LeNet (61,610 parameters) learns from 1,438" in capsys.readouterr().out
