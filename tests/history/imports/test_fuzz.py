"""Whatever a file holds, it is read, or refused with our own error; what is read can be kept."""

import copy
import json
from dataclasses import replace

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from history.imports.errors import Unreadable
from history.imports.json_text import packed, unpacked
from history.imports.own import plain_of
from history.imports.reading import File, read
from history.imports.told import ToldRun
from tests.history.artifacts import (
    NOW,
    as_bytes,
    metadata,
    poll_log,
    scene,
    second_generation,
    summary,
    telemetry,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        [
            *("", "NaN", "System.Object[]", "@{a=b}", "25", "-1", "1e999", "True", "ISO-8601"),
            *("2025-11-12T10:00:00", "/Date(1762942933000)/", "1762942933000", "\ud800", "\0"),
            *("9999-12-31T23:59:59.9999999-14:00", "0001-01-01T00:00:00+14:00", "x" * 700),
            *(10**400, -(10**18), 2**31, 2**63, 1e308, float("nan"), float("inf"), -0.0),
        ]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
WHOLE = [
    metadata([scene(HistoryPollLog=poll_log(3)), second_generation(SceneId="scene-002")]),
    metadata(scene(Telemetry=telemetry(System={"FallbackNotes": "x"}))),
    {"format": "scenewatch-runs", "version": 1, "runs": []},
]
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def tried(data: bytes, beside: bytes | None = None) -> list[ToldRun]:
    """Read, and hold what was read against what can be kept."""
    try:
        runs = read(File("fuzz", data, beside), NOW)
    except Unreadable:
        return []
    for run in runs:
        hold(run)
    return runs


def hold(run: ToldRun) -> None:
    """Fail where a run does not fit into its columns, or has what a database refuses."""
    text = json.dumps(plain_of(run), ensure_ascii=False, allow_nan=False)
    text.encode()  # no half of a surrogate pair
    assert "\0" not in text
    assert run.external_id
    again = msgspec.convert(msgspec.to_builtins(replace(run, content=None)), ToldRun)
    assert again.scenes == run.scenes
    names = [scene.external_id for scene in run.scenes]
    assert len(set(names)) == len(names)
    unpacked(packed(run.content))


def paths(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the path of every value in JSON."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += paths(value[key], (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            found += paths(one, (*path, place))
    return found


def replaced(value: object, path: tuple[object, ...], new: object) -> object:
    """Return JSON with another value in one place."""
    whole = copy.deepcopy(value)
    at = whole
    for step in path[:-1]:
        at = at[step]  # type: ignore[index]
    at[path[-1]] = new  # type: ignore[index]
    return whole


def own_export() -> dict[str, object]:
    """Return our own export of all that a file can tell."""
    (run,) = read(File("whole", as_bytes(WHOLE[0])), NOW)
    return {"format": "scenewatch-runs", "version": 1, "runs": [plain_of(run)]}


@MANY
@given(st.data())
def test_it_reads_files_with_any_value_anywhere(data: st.DataObject) -> None:
    whole: object = data.draw(st.sampled_from(WHOLE))
    for _ in range(data.draw(st.integers(1, 6))):
        path = data.draw(st.sampled_from(paths(whole)))
        whole = replaced(whole, path, data.draw(VALUES))

    tried(json.dumps(whole).encode(), data.draw(st.sampled_from([None, summary().encode()])))


@MANY
@given(st.data())
def test_it_reads_our_own_export_with_any_value_anywhere(data: st.DataObject) -> None:
    whole: object = own_export()
    path = data.draw(st.sampled_from(paths(whole)))

    tried(json.dumps(replaced(whole, path, data.draw(VALUES))).encode())


@MANY
@given(st.binary(max_size=300))
def test_it_reads_any_bytes(data: bytes) -> None:
    tried(data)
    tried(as_bytes(WHOLE[0]), data)


@MANY
@given(st.data())
def test_it_reads_files_with_bytes_cut_out_doubled_and_changed(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([as_bytes(WHOLE[0]), summary().encode()])))
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(raw)))
        last = data.draw(st.integers(first, min(len(raw), first + 200)))
        raw[first:last] = data.draw(st.binary(max_size=40) | st.just(raw[first:last] * 2))

    tried(bytes(raw))


@MANY
@given(st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=8))
def test_it_reads_any_table(rows: list[list[str]]) -> None:
    head = "run_id,scene_id,attempt,frames,duration_s,success,exit_reason,vram_before_mb\n"

    tried((head + "\n".join(",".join(row) for row in rows)).encode("utf-8", "replace"))


@MANY
@given(
    st.lists(
        st.sampled_from(
            [
                *summary().splitlines(),
                *("[Scene ", "[Scene x]", "Telemetry: =|=", "[Scene x] Telemetry: a={b|c={"),
                *("Queue policy: |||", "[99:99:99] [Scene x][Attempt 999999] Frames=1"),
            ]
        )
        | st.text(max_size=60),
        max_size=40,
    )
)
def test_it_reads_any_lines_of_a_summary(lines: list[str]) -> None:
    text = "\n".join(["E2E Story-to-Video Run: x", *lines]).encode("utf-8", "replace")

    assert tried(text)
    tried(as_bytes(WHOLE[0]), text)
