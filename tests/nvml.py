"""A fake of NVIDIA's library, compiled from tests/telemetry/fake_nvml.c, and what it is told."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "telemetry" / "fake_nvml.c"
LIBRARY = "libnvidia-ml.so.1"
MIB = 1 << 20
# A card as the driver tells it; the simulator's has as much for programs, and 620 MiB taken.
RTX_4090 = {
    "uuid": "GPU-4090aaaa-0000-0000-0000-000000000000",
    "name": "NVIDIA GeForce RTX 4090",
    "total": 25_386_352_640 + 346 * MIB,
    "reserved": 346 * MIB,
    "free": 25_386_352_640 - 620 * MIB,
    "utilisation": 97,
    "temperature": 74,
    "power": 431_200,
}


class Driver:
    """What the fake library tells from now on."""

    def __init__(self, folder, library):
        self.file, self.library = folder / "driver.txt", library
        self._general, self._cards = {}, []
        self.tells()

    @property
    def env(self):
        """Return the variables by which a process finds the fake in place of the real one."""
        return {"LD_LIBRARY_PATH": str(self.library.parent), "FAKE_NVML_FILE": str(self.file)}

    def tells(self, *cards, **general):
        """Have the library tell these cards, and nothing of what it told before."""
        self._cards, self._general = [dict(card) for card in cards], general
        self._write()

    def card(self, index, **values):
        """Change a card; a value of None is not told any more."""
        self._cards[index] |= values
        self._write()

    def general(self, **values):
        """Change what is not of one card; None takes a line away."""
        self._general |= values
        self._write()

    def _write(self):
        lines = {"count": len(self._cards), **self._general}
        for index, card in enumerate(self._cards):
            lines |= {f"{index}.{name}": value for name, value in card.items()}
        told = "".join(f"{key} {value}\n" for key, value in lines.items() if value is not None)
        new = self.file.with_suffix(".new")
        new.write_text(told)
        new.replace(self.file)


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory):
    """Return the path of the compiled fake."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the fake of NVIDIA's library")
    library = tmp_path_factory.mktemp("nvml") / LIBRARY
    options = ["-shared", "-fPIC", "-Wall", "-Werror", f"-Wl,-soname,{LIBRARY}"]
    subprocess.run([compiler, *options, "-o", str(library), str(SOURCE)], check=True)
    return library


@pytest.fixture
def driver(tmp_path, nvml_library, monkeypatch):
    """Return the driver of this process: pynvml finds the fake, for it is loaded already."""
    ctypes.CDLL(str(nvml_library))
    driver = Driver(tmp_path, nvml_library)
    monkeypatch.setenv("FAKE_NVML_FILE", str(driver.file))
    yield driver
    driver.tells()  # whoever hangs in it goes on
