"""What lies beside metadata and tells more of the run: helpers' summaries, story, test results.

They tell of no run themselves. What the metadata tell stands; these add what they lack. A file that
cannot be read is noted as the run's finding, like all that is odd.
"""

from fnmatch import fnmatch
from typing import Any

from history.imports.errors import Unreadable
from history.imports.fields import Fields, Reading
from history.imports.json_text import json_of, text_of
from history.imports.metadata import LLM, named, tests_of
from history.imports.told import ToldRunReport

# Where scripts put them, below the folder of the metadata, and what they are called.
PLACES = ("", "story", "test-results", "test-results/comfyui-status")
NAMES = (
    *("comfyui-status*.json", "mapping-preflight*.json"),
    *("story.json", "vitest-results.json"),
)
LARGEST_BYTES = 1_000_000
MOST_DEVICES = 32

PROBE = [("ok", "flag", "ok"), ("took_ms", "number", "durationMs"), ("error", "text", "error")]
DEVICE = [
    ("name", "text", "name"),
    ("total_mb", "number", "totalMB"),
    ("free_mb", "number", "freeMB"),
    ("used_mb", "number", "usedMB"),
]
QUEUE = [
    ("running", "whole", "running"),
    ("pending", "whole", "pending"),
    ("blocked", "whole", "blocked"),
    ("latency_ms", "number", "latencyMs"),
]
WORKFLOWS = [("text_to_image", "flag", "hasWanT2I"), ("image_to_video", "flag", "hasWanI2V")]
MAPPING = [
    ("text", "flag", "clipText"),
    ("text_node", "flag", "clipNodePresent"),
    ("image", "flag", "loadImage"),
    ("image_node", "flag", "loadNodePresent"),
    ("keyframe_required", "flag", "keyframeImageRequired"),
]
HELPER = [
    ("checked_at", "moment", "timestamp"),
    ("url", "text", "comfyUrl"),
    ("warnings", "texts", "warnings"),
    ("missing", "texts", "missingWanI2VRequirements"),
]


def is_beside(name: str) -> bool:
    """Say whether a file of that name, without its folder, may tell more of a run beside it."""
    return any(fnmatch(name.lower(), pattern) for pattern in NAMES)


def value_of(name: str, data: bytes, reading: Reading) -> dict[str, Any] | None:
    """Return what a file beside metadata holds, None where it holds no object; notes why."""
    try:
        if len(data) > LARGEST_BYTES:
            raise Unreadable(f"It is larger than {LARGEST_BYTES // 1_000_000} MB")
        value = json_of(text_of(data)[0])
    except Unreadable as error:
        reading.findings.add("wrong_type", name, f"It cannot be read: {error}"[:200])
        return None
    return value if isinstance(value, dict) else None


def take_beside(report: ToldRunReport, values: dict[str, Any], reading: Reading) -> None:
    """Add to what is told of a run what the files beside its metadata tell."""
    for name, value in values.items():
        fields = Fields(value, name, reading)
        if fnmatch(name.lower(), "story.json"):
            report.llm = report.llm or named(fields.below("LLM"), LLM)
            report.warnings = report.warnings or fields.texts("Warnings")
        elif fnmatch(name.lower(), "vitest-results.json"):
            report.tests = {**tests_of(fields), **report.tests}
        else:
            kind = "mapping_preflight" if name.lower().startswith("mapping") else "comfyui_status"
            report.helpers = {**report.helpers}
            report.helpers[kind] = {**report.helpers.get(kind, {}), **_helper(fields)}


def _helper(fields: Fields) -> dict[str, Any]:
    """Return what a helper found, under our names; what it did not find out is missing."""
    probes, stats = fields.below("probedEndpoints"), fields.below("systemStats")
    told = named(fields, HELPER)
    told["probes"] = {
        name: named(probes.below(name), PROBE) for name in ("system_stats", "queue") if probes
    }
    told["queue"] = named(fields.below("queueState"), QUEUE)
    told["devices"] = [named(one, DEVICE) for one in stats.each("devices")] if stats else []
    told["devices"] = told["devices"][:MOST_DEVICES]
    told["workflows"] = named(fields.below("workflows"), WORKFLOWS)
    mappings = fields.below("mappings")
    for name, key in (("text_to_image", "wanT2I"), ("image_to_video", "wanI2V")):
        told[f"{name}_mapping"] = named(mappings.below(key) if mappings else None, MAPPING)
    return {name: value for name, value in told.items() if value not in ({}, [], None)}
