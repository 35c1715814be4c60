"""An nginx of a test's own before web processes, whose rules change while pages are open."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import free_port, until

HTTP = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  upstream web {{ {servers} }}
  proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_buffering off;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-Proto $scheme;
  server {{
    listen 127.0.0.1:{port}{tls};
    {refusals}
    location {path} {{ proxy_pass http://web{cut}; }}
  }}
}}
"""


def find_nginx() -> str | None:
    """Return where nginx is, if it is here."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class Nginx:
    """A proxy on a port that stays the same; `refuse` names addresses that it answers with 403.

    With a `path` it serves the site below that, which it passes on unless `cut`; with a
    `certificate` (and its key, in one file) it speaks HTTPS.
    """

    def __init__(
        self,
        folder: Path,
        *ports: int,
        path: str = "/",
        cut: bool = False,
        certificate: Path | None = None,
    ) -> None:
        program = find_nginx()
        if program is None:
            pytest.skip("no nginx found (Debian: apt-get install nginx-light)")
        self._program = program
        self._folder = folder / "nginx"
        self._folder.mkdir()
        self._ports = ports
        self._place = {"path": path, "cut": "/" if cut else "", "tls": _tls(certificate)}
        self._running: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def start(self, *refuse: str) -> None:
        """Begin, or begin anew: every connection that was open is cut off."""
        self.stop()
        refusals = " ".join(f"location {path} {{ return 403; }}" for path in refuse)
        servers = " ".join(f"server 127.0.0.1:{port};" for port in self._ports)
        conf = self._folder / "nginx.conf"
        conf.write_text(
            HTTP.format(
                folder=self._folder,
                port=self.port,
                servers=servers,
                refusals=refusals,
                **self._place,
            )
        )
        self._running = subprocess.Popen([self._program, "-c", str(conf), "-e", "stderr"])
        until(lambda: (self._folder / "nginx.pid").exists(), "nginx")

    def stop(self) -> None:
        """End at once."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            (self._folder / "nginx.pid").unlink(missing_ok=True)

    def answers(self, path: str) -> list[int]:
        """Return the status of each request for a path, as its log has them."""
        lines = (self._folder / "access.log").read_text().splitlines()
        return [int(line.split('"')[2].split()[0]) for line in lines if f" {path}" in line]


def _tls(certificate: Path | None) -> str:
    if certificate is None:
        return ""
    return f" ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate}"
