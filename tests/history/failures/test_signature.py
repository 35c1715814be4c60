"""history/failures/signature.py: what makes two failures alike."""

import pytest

from history.failures.signature import pattern_of, signature_of


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("mat1 and mat2 (77x768 and 2048x640)", "mat1 and mat2 (154x4096 and 8x8)"),
        ("tensor a (64) must match b (80)", "tensor a (-128) must match b (1e-5)"),
        ("expected input[2, 32, 64] to have 4", "expected input[1, 3] to have 16"),
        ("<BytesIO object at 0x7f3a1c2b>", "<BytesIO object at 0xdeadbeef>"),
        ("No such file: '/opt/a b/x.png'", "No such file: 'y.png'"),
        ("cannot read /opt/ComfyUI/input/a.png", "cannot read /home/mira/b.png"),
        (r"cannot read C:\Users\mira\a.png", "cannot read models/vae/b.safetensors"),
        ("model wan2.2_i2v.safetensors is gone", "model flux1-dev.gguf is gone"),
        (
            "prompt 9f3c2a7e-6b1d-4c0e-9d52-7781c3e0a4f9",
            "prompt 00000000-6b1d-4c0e-9d52-7781c3e0a4f9",
        ),
        ("not in list: 'a' not in ['b', 'c']", "not in list: 'x' not in ['b', 'c', 'd', 'e']"),
        ("http://kino-02:8188/x?a=1 refused after 3.5s", "https://a.b refused after 30 s"),
        ("cannot open /dev/nvidia0 now", "cannot open /mnt/a/b now"),
        ("hash 9f3c2a7e6b1d4c0e is wrong", "hash 00aab8c2a7e6b1d4c0e17 is wrong"),
        ("It  broke \tthere", "It broke there"),
        ("It broke.\n  at line 3", "It broke.\n  at line 9 of something else"),
    ],
)
def test_particulars_make_no_other_family(one: str, another: str) -> None:
    assert pattern_of(one) == pattern_of(another)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("no kernel for float8_e4m3fn", "no kernel for float16"),
        ("input must be on the GPU", "input must be on the CPU"),
        ("can't open, don't know why", "can't close, don't know why"),
        ("A and/or B is missing", "A is missing"),
    ],
)
def test_words_make_another_family(one: str, another: str) -> None:
    assert pattern_of(one) != pattern_of(another)


def test_error_node_type_and_message_make_the_family() -> None:
    alike = signature_of("failed", "ValueError", "KSampler", "It took 3 s")

    assert signature_of("timeout", "ValueError", "KSampler", "It took 9 s").digest == alike.digest
    for other in (
        ("failed", "TypeError", "KSampler", "It took 3 s"),
        ("failed", "ValueError", "VAEDecode", "It took 3 s"),
        ("failed", "ValueError", "KSampler", "It lasted 3 s"),
    ):
        assert signature_of(*other).digest != alike.digest


def test_without_an_error_the_outcome_tells_families_apart() -> None:
    lost = signature_of("lost", None, None, "")

    assert lost.digest != signature_of("timeout", "", "", "").digest
    assert lost.error_type == lost.pattern == ""


def test_all_ways_to_say_how_little_memory_was_left_are_one() -> None:
    one = "CUDA out of memory. Tried to allocate 2.20 GiB. Process 12 has 3 GiB in use."
    another = "CUDA out of memory. Tried to allocate 20 MiB. Of the rest 2 GiB is reserved."
    kind = ("failed", "torch.OutOfMemoryError", "KSampler")

    assert signature_of(*kind, one).digest == signature_of(*kind, another).digest
    assert signature_of(*kind, one).pattern == "CUDA out of memory"


def test_a_message_without_end_is_read_in_time_and_cut() -> None:
    for hostile in ("a/" * 100_000, "'" * 100_000, "1x" * 100_000, "1," * 100_000, "f" * 100_000):
        assert len(pattern_of(hostile)) <= 300
