"""Say in plain words why pip failed, and what to do. Standard library only."""

import re
import sys


class Failed(Exception):
    """The packages could not be installed: what happened, and what to do next."""

    def __init__(self, what: str, then: str) -> None:
        super().__init__(f"Scenewatch could not start. {what}\n{then}")


_NETWORK = (
    "Check this machine's connection and proxy settings, then start again.\n"
    "Without a network: run `python3 -m pip download -r requirements.lock -d wheels` on a machine\n"
    "of this kind, copy the folder here, and start with PIP_NO_INDEX=1 and PIP_FIND_LINKS=wheels."
)
# The first that fits what pip printed: what happened, what to do.
_CAUSES = (
    (
        r"No space left|Errno 28\b|WinError 112|Disk quota exceeded",
        "The disk is full.",
        "Free about 500 MB, or let SCENEWATCH_VENV name a folder on another disk; start again.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "A package is not the file that the lock expects, so nothing of it was installed.",
        "Start again: it may have been damaged on the way. If it happens twice, do not install it\n"
        "by hand: a proxy or mirror on your side hands out other files. Tell who runs it.",
    ),
    (
        r"Hashes are required|Invalid requirement|In --require-hashes mode",
        "The lock is damaged: a package stands in it without its hashes.",
        "Get requirements.lock and requirements-dev.lock anew from where you got Scenewatch.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerification",
        "The package index shows a certificate that this Python does not trust.",
        "Behind a company proxy, let PIP_CERT name its certificate file; then start again.",
    ),
    (
        r"NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|Read timed out|ProxyError"
        r"|NameResolutionError|name resolution|getaddrinfo failed|Network is unreachable"
        r"|Max retries exceeded|Connection (broken|refused|reset|aborted)|HTTP error \d"
        r"|Client Error|Server Error|Retrying \(",
        "The package index cannot be reached.",
        _NETWORK,
    ),
    (
        r"Permission denied|Errno 13\b|Errno 30\b|Read-only file system|WinError 5\b",
        "A folder cannot be written.",
        "Copy Scenewatch into a folder of yours, or let SCENEWATCH_VENV name one; start again.",
    ),
    (
        r"No matching distribution|Could not find a version|not a supported wheel"
        r"|requires a different Python|not supported on this platform",
        "A package is not made for this Python {version} on {platform}.",
        "Python 3.11 to 3.14 have all of them on Linux (not Alpine), on Macs with Apple's chips\n"
        "and on Windows (x64): use one of these, like `python3.13 manage.py serve`.\n"
        "Elsewhere a compiler may build what is missing: python3 -m pip install -e .",
    ),
)


def explain(output: str) -> Failed:
    """Return what pip's output means and what to do about it."""
    for pattern, what, then in _CAUSES:
        if re.search(pattern, output):
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            return Failed(what.format(version=version, platform=sys.platform), then)
    return Failed(
        f"pip gave up: {_last_words(output)}",
        "Start again; if it happens twice, the lines above say why.",
    )


def _last_words(output: str) -> str:
    """Return pip's errors, or its last lines, without the addresses in them."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    text = "\n".join((errors or lines)[-4:])
    return re.sub(r"\w+://\S+|host='[^']*'", "…", text) or "without a word"
