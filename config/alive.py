"""Say by the exit code whether the web process of this machine answers: `python -m config.alive`.

For the health check of a container. It loads no settings: that would cost more than serving does.
"""

import http.client
import sys

from config import env

PORT = 8000
TIMEOUT_S = 5


def answers(port: int = PORT) -> bool:
    """Say whether the sign-in page is served here at port; it needs neither database nor Redis."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        # As the proxy asks: a name that is allowed, and no redirect to HTTPS.
        connection.request(
            "GET", "/login/", headers={"Host": _host(), "X-Forwarded-Proto": "https"}
        )
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _host() -> str:
    name = next(iter(env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")), "localhost")
    return "localhost" if name == "*" else name.lstrip(".")


if __name__ == "__main__":
    sys.exit(0 if answers() else 1)
