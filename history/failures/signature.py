"""What makes two failures alike: the error, the node type, and the message without its particulars.

Pure. What changes from one attempt to the next and says nothing of the cause is taken out: numbers
and sizes, ids, addresses, paths, file names, quoted names. Words stay, digits within words too:
float8 is another cause than float16.
"""

import hashlib
import re
from dataclasses import dataclass

import msgspec

from history.failures.memory import is_out_of_memory
from telemetry.words import Outcome

# What is no success, and was not wanted. Partial scenes have their frames, cancelled ones a person.
FAILING = frozenset({Outcome.FAILED, Outcome.TIMEOUT, Outcome.LOST})
# A family's pattern, and what of a message is looked at.
PATTERN_LENGTH, READ_LENGTH = 300, 2000

_FILES = (
    "safetensors|sft|ckpt|gguf|onnx|pth|pt|bin|json|ya?ml|py|png|jpe?g|webp|gif|mp4|webm|mov|wav"
)
# In this order: a path may hold quotes, an id and numbers.
_PARTICULARS = (
    (re.compile(r"\w+://[^\s'\"<>]+"), "<url>"),
    (re.compile(r"(?<!\w)([\"'`])[^\"'`\n]{1,200}\1(?!\w)"), "<name>"),
    (re.compile(r"\b[A-Za-z]:[\\/][^\s:*?\"<>|]+"), "<path>"),
    (re.compile(r"(?<![\w<])~?/[^\s,;:()'\"<>]+"), "<path>"),
    (re.compile(r"(?:[\w.-]+[\\/])+[\w-]+\.\w{1,12}\b"), "<path>"),
    (re.compile(rf"\b[\w.-]+\.(?:{_FILES})\b", re.IGNORECASE), "<path>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<!\w)\d+(?:\s?[x×]\s?\d+)+\b"), "<n>"),
    (
        re.compile(
            r"(?<![\w<])[-+]?\d[\d.,_]*(?<![.,])(?:e[-+]?\d+)?"
            r"(?:\s?(?:[KMGT]i?B|bytes?|ms|s|%)(?!\w))?",
            re.IGNORECASE,
        ),
        "<n>",
    ),
    # Lists of whatever length: shapes, devices.
    (re.compile(r"<n>(?:\s*,\s*<n>)+"), "<n>"),
    (re.compile(r"<name>(?:\s*,\s*<name>)+"), "<name>"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What makes a family: `digest` of the rest, which is what people read."""

    digest: str
    error_type: str
    node_type: str
    outcome: str
    pattern: str


def signature_of(
    outcome: str, error_type: str | None, node_type: str | None, message: str
) -> Signature:
    """Return the signature of a failure; its outcome tells it apart only where it has no error.

    Of a failure for want of memory the first sentence counts: the rest lists who had how much.
    """
    of, at = (error_type or "")[:200], (node_type or "")[:200]
    pattern = pattern_of(message)
    if is_out_of_memory(of, message):
        pattern = pattern.partition(". ")[0].rstrip(".")
    parts = [of or outcome, at, pattern]
    digest = hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
    return Signature(digest, of, at, outcome, pattern)


def pattern_of(message: str) -> str:
    """Return a message's first line without its particulars."""
    line = message.strip()[:READ_LENGTH].partition("\n")[0]
    for particular, name in _PARTICULARS:
        line = particular.sub(name, line)
    return line.strip()[:PATTERN_LENGTH]
