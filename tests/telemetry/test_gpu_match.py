"""Which card a device is: by model and memory, and by nothing that only looks like an answer."""

import pytest

from telemetry.gpu_match import Matching
from tests.telemetry.gpus import GIB, card, device, lost, readings, stats
from tests.telemetry.test_machine import BEGAN, timedelta

EQUAL = "one of several equal cards, not yet known which"
NONE = "none of this host's cards"
OTHER = "not this host's card: its free memory is another"


def at(second):
    return BEGAN + timedelta(seconds=second)


def matching(devices, cards, second=0):
    found = Matching()
    tell(found, devices, cards, second)
    return found


def tell(found, devices, cards, second, idle=True, later=None):
    """Have both tell: the driver half a second before and after ComfyUI."""
    found.take_readings(readings(second - 0.5, *cards))
    found.take_stats(stats(*devices), at(second), idle)
    found.take_readings(readings(second + 0.5, *(later or cards)))


def uuids(found):
    return [match.uuid for match in found.matches()]


def why(found):
    return [match.why for match in found.matches()]


def test_it_knows_the_only_card_of_a_model():
    cards = [card("GPU-h", name="NVIDIA H200", total=140), card("GPU-a")]

    assert uuids(matching([device()], cards)) == ["GPU-a"]


def test_it_does_not_go_by_the_index():
    devices = [device(index=0, name="NVIDIA H200", total=140), device(index=1)]
    cards = [card("GPU-a"), card("GPU-h", name="NVIDIA H200", total=140)]

    assert uuids(matching(devices, cards)) == ["GPU-h", "GPU-a"]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("cuda:0 NVIDIA H200 : native", "NVIDIA H200"),
        ("cuda:1 NVIDIA H200", "NVIDIA H200"),
        ("cuda NVIDIA H200 : cudaMallocAsync", "NVIDIA H200 "),
    ],
)
def test_it_reads_the_model_out_of_comfyuis_name(told, name):
    found = Matching()
    odd = device(total=140)
    odd = type(odd)(name=told, type="cuda", vram_total=odd.vram_total)

    tell(found, [odd], [card("GPU-h", total=140, name=name)], 0)

    assert uuids(found) == ["GPU-h"]


@pytest.mark.parametrize(
    "cards",
    [
        [],
        [card(name="NVIDIA GeForce RTX 4090 D")],
        [card(name="NVIDIA GeForce RTX 4080")],
        [card(total=48)],  # the same name with twice the memory exists
        [card(total=10)],  # a slice of a card (MIG) tells less to ComfyUI, not to the driver
    ],
)
def test_it_takes_no_other_model_and_no_other_memory(cards):
    found = matching([device()], cards)

    assert (uuids(found), why(found)) == ([None], [NONE])


def test_it_takes_no_device_that_is_not_cuda():
    found = Matching()
    cpu = type(device())(name="cpu", type="cpu", vram_total=24 * GIB)

    tell(found, [cpu], [card(name="cpu")], 0)

    assert uuids(found) == [None]


def test_it_allows_for_what_an_old_driver_does_not_take_off():
    whole = card(total_bytes=round(24 * GIB * 1.03))

    assert uuids(matching([device()], [whole])) == [None]
    old = card(total_bytes=round(24 * GIB * 1.03), reserve_told=False)
    assert uuids(matching([device()], [old])) == ["GPU-a"]


def test_it_does_not_guess_between_equal_cards():
    found = matching([device(free=20)], [card("GPU-a", 20), card("GPU-b", 20)])

    assert (uuids(found), why(found)) == ([None], [EQUAL])


def test_it_tells_equal_cards_apart_once_their_free_memory_differs():
    found = matching([device(free=20)], [card("GPU-a", 20), card("GPU-b", 20)])

    tell(found, [device(free=6)], [card("GPU-a", 20), card("GPU-b", 6)], 5, idle=False)

    assert uuids(found) == ["GPU-b"]


def test_it_remembers_which_of_the_equal_cards_it_was():
    found = matching([device(free=6)], [card("GPU-a", 20), card("GPU-b", 6)])

    tell(found, [device(free=20)], [card("GPU-a", 20), card("GPU-b", 20)], 30)

    assert uuids(found) == ["GPU-b"]


def test_it_knows_the_last_of_equal_cards_when_the_others_are_known():
    devices = [device(6), device(20, index=1)]
    cards = [card("GPU-a", 20), card("GPU-b", 6)]

    assert uuids(matching(devices, cards)) == ["GPU-b", "GPU-a"]


def test_it_does_not_count_what_torch_holds_idle_as_free():
    found = matching([device(6, held=14)], [card("GPU-a", 20), card("GPU-b", 6)])

    assert uuids(found) == ["GPU-b"]


def test_it_does_not_compare_while_memory_moves():
    found = Matching()
    before, after = [card("GPU-a", 9), card("GPU-b", 12)], [card("GPU-a", 20), card("GPU-b", 4)]

    tell(found, [device(8)], before, 0, idle=False, later=after)

    assert why(found) == [EQUAL]


def test_it_does_not_compare_what_was_told_at_other_times():
    found = Matching()
    cards = [card("GPU-a", 20), card("GPU-b", 6)]
    found.take_readings(readings(-9, *cards))
    found.take_stats(stats(device(6)), at(0), idle=True)
    found.take_readings(readings(9, *cards))

    assert why(found) == [EQUAL]


def test_it_sees_through_a_tunnel_to_another_host_with_the_same_card():
    found = matching([device(6)], [card("GPU-a", 20)])
    assert uuids(found) == ["GPU-a"]

    tell(found, [device(6)], [card("GPU-a", 20)], 30)

    assert (uuids(found), why(found)) == ([None], [OTHER])


def test_it_does_not_doubt_a_card_at_work():
    found = matching([device(6)], [card("GPU-a", 20)])

    for second in (5, 10, 15):
        tell(found, [device(6)], [card("GPU-a", 20)], second, idle=False)

    assert uuids(found) == ["GPU-a"]


def test_it_follows_a_comfyui_that_was_started_on_the_other_card():
    found = matching([device(6)], [card("GPU-a", 20), card("GPU-b", 6)])
    assert uuids(found) == ["GPU-b"]

    tell(found, [device(3)], [card("GPU-a", 3), card("GPU-b", 20)], 60)

    assert uuids(found) == ["GPU-a"]


def test_it_begins_anew_when_told_to():
    found = matching([device(6)], [card("GPU-a", 20), card("GPU-b", 6)])

    found.forget()

    assert why(found) == [EQUAL]


def test_it_does_not_take_the_equal_card_for_one_that_is_lost():
    found = matching([device(6)], [card("GPU-a", 20), card("GPU-b", 6)])

    found.take_readings(readings(3, card("GPU-a", 20), lost("GPU-b")))

    assert uuids(found) == ["GPU-b"]
