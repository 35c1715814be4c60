"""history/exports/redact.py: nothing of a team's machines is in what is shared."""

import pytest

from history.exports.redact import redacted, redacted_text


@pytest.mark.parametrize(
    ("told", "shared"),
    [
        (r"saved to C:\Users\mira\ComfyUI\out\a.png", "saved to [path]/a.png"),
        (r"see \\nas01\share\mira\log.txt", "see [path]/log.txt"),
        ("File /home/mira/ComfyUI/nodes.py, line 3", "File [path]/nodes.py, line 3"),
        ('File "/opt/My Studio/run me/nodes.py", line 3', 'File "[path]/nodes.py", line 3'),
        ("~/ComfyUI/models/x.safetensors is missing", "[path]/x.safetensors is missing"),
        ("in /home/mira/", "in [path]"),
        (r"it is C:\Users\mira. Then", "it is [path]. Then"),
        ("it is /home/mira.lund", "it is [path]"),
        (r"kept in D:\mira", "kept in [path]"),
        (r"kept in D:\story.json", "kept in [path]/story.json"),
        (r"\\nas01\share", "[path]"),
        ("no answer of http://192.168.1.20:8188/queue", "no answer of http://[address]:8188/queue"),
        ("10.0.0.7 and 127.0.0.1 and 169.254.1.1", "[address] and [address] and [address]"),
        ("fd00::1 is away", "[address] is away"),
    ],
)
def test_it_takes_out_folders_and_inner_addresses(told: str, shared: str) -> None:
    assert redacted_text(told) == shared


@pytest.mark.parametrize(
    "told",
    [
        "CUDA out of memory. Tried to allocate 3.52 GiB (1/2)",
        "step 11/20, 24 fps, 16:9, 12:30:05",
        "8.8.8.8 answered",
        "torch 2.13.0.1+cu130",
        "and/or",
        "/system_stats unavailable before execution",
        "999.1.1.1",
    ],
)
def test_it_leaves_all_else(told: str) -> None:
    assert redacted_text(told) == told


def test_it_reads_all_of_a_document() -> None:
    told = {"notes": [{"text": "/tmp/mira/x.png"}], "n": 3, "none": None, "/tmp/a/b": True}

    assert redacted(told) == {
        "notes": [{"text": "[path]/x.png"}],
        "n": 3,
        "none": None,
        "/tmp/a/b": True,
    }
