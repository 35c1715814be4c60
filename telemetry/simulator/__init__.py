"""A fake ComfyUI on localhost that speaks the real protocol, for tests and demonstrations.

It shares no module with the monitor: a decoder that misreads a message must not meet a
simulator that makes the same mistake. What it says is compared with recorded traffic of a real
server in tests/telemetry/simulator/test_captures.py.
"""

from .prompt_server import PromptRefused
from .scenarios import NAMES
from .server import Simulator
from .workloads import SCENARIOS, Plan

__all__ = ["NAMES", "SCENARIOS", "Plan", "PromptRefused", "Simulator"]
