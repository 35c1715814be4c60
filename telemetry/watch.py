"""Follow one ComfyUI: its socket, its queue and history, its stats, until cancelled.

Every event passes `take`: state.apply -> record -> live. Three loops feed it:

    _socket   /ws under an own clientId, the log stream, reconnect policy, silence
    _referee  /queue and /history when the socket hints at a change, and now and then anyway
    _stats    /system_stats

A server that hangs costs nobody else anything: every wait has a limit, every loop is its own task.
"""

import logging

log = logging.getLogger(__name__)

# A hint (status, "got prompt", "Prompt executed in") is followed by others within milliseconds.
HINT_SETTLE_S = 0.03
# /queue changed but the socket said nothing for this long: it hangs behind a reader that is stuck.
SILENT_SOCKET_S = 5.0
NEWEST = 8
