"""Damage small DICOM scans in many ways and check that the reader raises its own errors only.

    python Testing/tools/dicom_fuzz.py --cases 100000      # the nightly run: about 20 minutes a core

Every case follows from its number, so `--first N --cases 1` repeats one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from paths import MODULE

LONGEST_S = 60
MEMORY_BYTES = 6 << 30
DIALECTS = ("siemens classic", "philips enhanced", "ge first echo time in all headers", "implicit little endian")
LONG_VR = {b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"OD", b"OL", b"UC", b"UR", b"OV", b"SV", b"UV"}
VRS = [b"OB", b"OW", b"SQ", b"UN", b"UT", b"DS", b"IS", b"US", b"SS", b"FD", b"FL", b"LO", b"CS", b"UI", b"AT", b"XX", b"\0\0"]
GARBAGE = (
    *(
        b"",
        b"\0",
        b"nan",
        b"inf",
        b"-inf",
        b"1e400",
        b"-1",
        b"0",
        b"1\\2\\3\\4\\5\\6\\7",
        b"abc",
        b"\\\\\\",
        b" ",
        b"99999999999999",
    ),
    *(b"\xff" * 4, b"\0" * 8, b"1.5e", b"\xe4\xf6\xfc", b"M\\P\\R\\I", b"4294967295", b"DERIVED\\PRIMARY\\FAT", b"\xff\xff"),
)

Files = dict[str, bytes]


class TooLong(KeyboardInterrupt):
    """A case that does not end; an interrupt, so that no reader takes it for an error of the file."""


def originals() -> list[Files]:
    """Small scans, file by file."""
    from dicom_writer import DIALECTS as WRITERS
    from dicom_writer import write_scan

    from AIDEALLib.echoes import EchoSeries

    rng = np.random.default_rng(5)
    shape = (3, 2, 6, 5)
    echoes = rng.uniform(10, 100, shape) * np.exp(1j * rng.uniform(-np.pi, np.pi, shape))
    series = EchoSeries(echoes.astype(np.complex64), np.array([0.0012, 0.0032, 0.0052]), 1.5)
    scans = []
    for name in DIALECTS:
        for compress in (None, "1.2.840.10008.1.2.5") if name != "implicit little endian" else (None,):
            with tempfile.TemporaryDirectory() as folder:
                write_scan(Path(folder), series, WRITERS[name], compress=compress)
                scans.append({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})
    return scans


def damaged(scans: list[Files], number: int) -> Files:
    """The scan of one case."""
    r = random.Random(number)
    files = dict(r.choice(scans))
    victims = list(files) if r.random() < 0.4 else r.sample(sorted(files), min(len(files), r.randint(1, 3)))
    seed = r.random()
    for name in victims:
        same = random.Random(seed)  # often the same damage in every file, as a broken exporter would do
        own = same if r.random() < 0.7 else r
        content = files[name]
        for _ in range(own.choice((1, 1, 1, 2, 5))):
            content = _damage(content, own)
        if content:
            files[name] = content
        else:
            del files[name]
    if r.random() < 0.05:
        files["more"] = r.randbytes(r.randint(0, 400))
    return files


def _damage(content: bytes, r: random.Random) -> bytes:
    kind = r.random()
    if not content:
        return content
    if kind < 0.1:
        return content[: r.randint(0, len(content))]
    if kind < 0.25:
        flipped = bytearray(content)
        for _ in range(r.choice((1, 4, 40))):
            flipped[r.randrange(len(flipped))] = r.randrange(256)
        return bytes(flipped)
    if kind < 0.3:
        at = r.randint(132, max(132, len(content)))
        return content[:at] + r.randbytes(r.randint(1, 60)) + content[at:]
    elements = _elements(content)
    if not elements:
        return content
    start, header, end, vr = r.choice(elements)
    if kind < 0.45:
        return content[:start] + content[end:]  # element missing
    if kind < 0.5:
        return content[:end] + content[start:end] + content[end:]  # twice
    if kind < 0.6 and vr:  # wrong type
        return content[: start + 4] + r.choice(VRS) + content[start + 6 :]
    if kind < 0.68:  # wrong length
        wrong = r.choice((0, 1, 3, 0xFFFF, 0xFFFFFFFF, r.randrange(2**32)))
        size = 2 if vr and vr not in LONG_VR else 4
        return content[: header - size] + (wrong & (2 ** (8 * size) - 1)).to_bytes(size, "little") + content[header:]
    value = r.choice(GARBAGE) if r.random() < 0.7 else r.randbytes(r.randint(0, 12))
    value += b" " * (len(value) % 2)
    size = 2 if vr and vr not in LONG_VR else 4
    return content[: header - size] + len(value).to_bytes(size, "little") + value + content[end:]


def _elements(content: bytes) -> list[tuple[int, int, int, bytes]]:
    """(start, start of value, end, type) of elements that can be walked over; the type is empty where it is implicit."""
    found = []
    explicit_file = b"1.2.840.10008.1.2\0" not in content[:400]
    at = 132
    while at + 8 <= len(content) and len(found) < 3000:
        group = int.from_bytes(content[at : at + 2], "little")
        vr = content[at + 4 : at + 6] if explicit_file or group == 2 else b""
        if group == 0xFFFE:  # go into sequences
            at += 8
            continue
        if vr and vr in LONG_VR:
            header, length = at + 12, int.from_bytes(content[at + 8 : at + 12], "little")
        elif vr:
            header, length = at + 8, int.from_bytes(content[at + 6 : at + 8], "little")
        else:
            header, length = at + 8, int.from_bytes(content[at + 4 : at + 8], "little")
        if vr == b"SQ" or length == 0xFFFFFFFF:
            found.append((at, header, header, vr))
            at = header
            continue
        end = header + length
        if end > len(content):
            break
        found.append((at, header, end, vr))
        at = end
    return found


def outcome(files: Files, folder: Path) -> str:
    """'loaded', or the kind of message; any other error than `InputError` is raised."""
    from AIDEALLib.errors import InputError
    from AIDEALLib.io.load import load_series

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    try:
        series = load_series(folder, keep_names=True, apart=False)
    except InputError as error:
        message = str(error)
    else:
        if series.echoes.nbytes >= 1 << 20:
            raise AssertionError(f"{series.echoes.nbytes} bytes of echoes from a scan of 6 x 5 pixels")
        return "loaded"
    if len(message) < 20:
        raise AssertionError(f"{message!r} is no clear message")
    return " ".join("FILE" if word.strip(",").startswith("IM0") else word for word in message.split()[:4])


def main() -> int:
    """Run many cases; the first that breaks ends the run with its number."""
    import resource

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    sys.path.insert(0, str(MODULE))
    scans = originals()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    def too_long(number: int, frame: object) -> None:
        raise TooLong(f"longer than {LONGEST_S} s")

    signal.signal(signal.SIGALRM, too_long)
    warnings.simplefilter("error")
    outcomes: Counter[str] = Counter()
    slowest, start = (0.0, -1), time.perf_counter()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.first, options.first + options.cases):
            began = time.perf_counter()
            signal.alarm(LONGEST_S)
            try:
                outcomes[outcome(damaged(scans, number), Path(folder) / "scan")] += 1
            except BaseException as error:
                print(f"case {number}: {type(error).__name__}: {error}")
                raise
            finally:
                signal.alarm(0)
            slowest = max(slowest, (time.perf_counter() - began, number))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024
    print(
        f"{options.cases} cases in {time.perf_counter() - start:.0f} s, none broke; "
        f"slowest {slowest[0]:.2f} s (case {slowest[1]})"
    )
    print(f"largest growth of memory {grown:.0f} MB")
    for kind, count in outcomes.most_common(40):
        print(f"{count:8d}  {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
