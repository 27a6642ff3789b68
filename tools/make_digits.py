"""Write the handwritten digits that ship with the package.

The source is scikit-learn's copy of the test set of the UCI data set "Optical Recognition of
Handwritten Digits". Give the wheel of scikit-learn, or the file digits.csv.gz from it:

    python -m pip download --no-deps scikit-learn
    python tools/make_digits.py scikit_learn-*.whl
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import zipfile
import zlib
from pathlib import Path

IN_WHEEL = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
COUNT, PIXELS, LEVELS = 1797, 64, 17
TARGET = Path(__file__).parents[1] / "python" / "tallow" / "datasets" / "digits.bin"


def read_source(path: Path) -> bytes:
    """Return the compressed table, checked to be the one we know."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            data = wheel.read(IN_WHEEL)
    else:
        data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{path}: SHA-256 is {found}, expected {SHA256}")
    return data


def encode(table: bytes) -> bytes:
    """Return all pixels, one byte each, then all labels, compressed."""
    pixels, labels = bytearray(), bytearray()
    for line in gzip.decompress(table).decode().split():
        *row, label = map(int, line.split(","))
        assert len(row) == PIXELS
        assert max(row) < LEVELS
        assert label < 10
        pixels += bytes(row)
        labels.append(label)
    assert len(labels) == COUNT
    return zlib.compress(bytes(pixels + labels), 9)


def main() -> None:
    """Convert the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="scikit-learn's wheel or digits.csv.gz")
    parser.add_argument("--output", type=Path, default=TARGET)
    arguments = parser.parse_args()
    data = encode(read_source(arguments.source))
    arguments.output.write_bytes(data)
    print(f"{arguments.output}: {COUNT} digits, {len(data)} bytes")


if __name__ == "__main__":
    main()
