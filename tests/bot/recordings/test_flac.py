"""A FLAC file can be read by any reader at any moment."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bot.recordings.flac import BLOCK, FlacFile

NOISE = np.random.default_rng(0).normal(0, 3000, (16_000, 2)).astype(np.int16)


def written(path: Path, samples: int, piece: int = 320) -> FlacFile:
    file = FlacFile(path, 16_000, 2)
    for start in range(0, samples, piece):
        file.write(NOISE[start : min(start + piece, samples)])
    return file


@pytest.mark.parametrize("samples", [BLOCK + 1, 1600, 2 * BLOCK, 2 * BLOCK + 1, 16_000])
def test_a_file_whose_writer_was_killed_says_how_much_can_be_read(
    tmp_path: Path, samples: int
) -> None:
    path = tmp_path / "call.flac"
    written(path, samples)  # and never closed
    sound, _ = soundfile.read(path, dtype="int16")
    assert samples - len(sound) <= BLOCK
    assert np.array_equal(sound, NOISE[: len(sound)])


@pytest.mark.parametrize("samples", [0, 1, BLOCK])
def test_there_is_no_file_before_there_is_a_frame_to_read(tmp_path: Path, samples: int) -> None:
    written(tmp_path / "call.flac", samples)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("samples", [1, BLOCK, BLOCK + 1, 16_000])
def test_a_closed_file_has_every_sample(tmp_path: Path, samples: int) -> None:
    path = tmp_path / "call.flac"
    written(path, samples).close()
    sound, _ = soundfile.read(path, dtype="int16")
    assert np.array_equal(sound, NOISE[:samples])
    assert [one.name for one in tmp_path.iterdir()] == ["call.flac"]


def test_nothing_to_write_makes_no_file(tmp_path: Path) -> None:
    file = FlacFile(tmp_path / "voice.flac", 24_000, 1)
    file.write(np.zeros(0, np.int16))
    file.close()
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, sys
import numpy as np, soundfile
from pathlib import Path
from bot.recordings.flac import FlacFile
noise = np.random.default_rng(0).normal(0, 3000, (16_000, 2)).astype(np.int16)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
file = FlacFile(Path(sys.argv[1]), 16_000, 2)
try:
    for start in range(0, 16_000, 320):
        file.write(noise[start : start + 320])
    file.close()
except (OSError, soundfile.SoundFileRuntimeError):
    file.abandon()
"""


@pytest.mark.parametrize("room", [20, 5_000, 12_345, 30_000])
def test_a_full_disk_leaves_what_can_be_read(tmp_path: Path, room: int) -> None:
    path = tmp_path / "call.flac"
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", FULL_DISK, path, str(room)], cwd=root, check=True)
    if room < 5_000:
        assert list(tmp_path.iterdir()) == []
        return
    sound, _ = soundfile.read(path, dtype="int16")
    assert np.array_equal(sound, NOISE[: len(sound)])
    assert path.stat().st_size - 4 * len(sound) < 4 * 2 * BLOCK
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_disk_that_is_full_at_the_end_leaves_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    file = written(path, 5 * BLOCK)
    whole = path.stat().st_size
    file.abandon()
    assert path.stat().st_size >= whole
    sound, _ = soundfile.read(path, dtype="int16")
    assert len(sound) == 4 * BLOCK


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    written(path, 16_000).close()
    assert path.stat().st_mode & 0o777 == 0o600
