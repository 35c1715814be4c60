"""The short form: some thousand inputs from a seed, and that the run can fail."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def fuzz(folder, *options, first=""):
    """Run the decoder's fuzzing in a process of its own; `first` is Python that it runs before."""
    script = f"{first}\nimport sys\nfrom tests.fuzz.__main__ import main\nsys.exit(main())"
    command = [sys.executable, "-c", script, "decoder", "--engine", "generator", *options]
    return subprocess.run(
        [*command, "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_takes_twenty_thousand_hostile_messages_in(tmp_path):
    done = fuzz(tmp_path, "--runs", "20000", "--seconds", "60", "--seed", "1")

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "20,0" in done.stdout


def test_it_fails_and_keeps_the_input_when_the_decoder_raises(tmp_path):
    broken = (
        "from telemetry.protocol import wire\n"
        "from telemetry.protocol import frames\n"
        "def read(raw, kind, before=frames.read):\n"
        "    assert b'NaN' not in bytes(raw if not isinstance(raw, str) else raw.encode())\n"
        "    return before(raw, kind)\n"
        "frames.read = read\n"
    )
    done = fuzz(tmp_path, "--runs", "20000", "--seconds", "60", "--seed", "1", first=broken)

    assert done.returncode == 1
    (kept,) = tmp_path.glob("crash-*.hex")
    assert b"NaN" in bytes.fromhex(kept.read_text())
