"""An nginx before the web process, as docs/deployment.md has it."""

import shutil

from benchmarks.processes import Process, free_port, listens, until
from benchmarks.stack import HOST, Stack

CONF = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/n-body; proxy_temp_path {folder}/n-proxy;
  fastcgi_temp_path {folder}/n-f; uwsgi_temp_path {folder}/n-u; scgi_temp_path {folder}/n-s;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    listen {host}:{port};
    location / {{
      proxy_pass http://{host}:{web}; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""


def nginx_before(stack: Stack, web: int) -> int:
    """Start an nginx before a web process; return its port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise SystemExit("nginx is not here: install it (Debian: nginx-light).")
    port, conf = free_port(), stack.folder / "nginx.conf"
    conf.write_text(CONF.format(folder=stack.folder, host=HOST, port=port, web=web))
    process = Process("nginx", [program, "-c", str(conf), "-e", "stderr"], stack.folder, {})
    stack.processes.append(process)
    until(lambda: listens(port), "nginx")
    return port
