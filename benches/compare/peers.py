"""The proxies that are compared, and the backend behind them: how each is configured and started.

Every proxy listens on a loopback port of its own, has one worker, keeps connections alive on both sides and
forwards to the same backend. Configuration files are written into a temporary folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ANSWER = '{"orders":[{"id":1,"status":"open","total":42.5},{"id":2,"status":"open","total":17.25}],"page":2}'
MODSECURITY_MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
CRS_RULES = Path("/usr/share/modsecurity-crs/rules")
CRS_SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")


@dataclass(frozen=True)
class Peer:
    """One proxy: `command(folder, port, backend)` writes its configuration and says how to start it."""

    name: str
    label: str
    command: Callable[[Path, int, int], list[str]]
    missing: Callable[[], str | None]
    records: bool = False


def find(program: str) -> str | None:
    """Like `which`, and also where Debian keeps daemons."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def needs(program: str) -> Callable[[], str | None]:
    return lambda: None if find(program) else f"{program} is not installed"


NGINX_COMMON = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{modules}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    default_type application/json;
    client_body_buffer_size 16k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {inside}
}}
"""

NGINX_PROXY = """
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        {extra}
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 1024
defaults
    mode http
    http-reuse always
    option forwardfor
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend in
    bind 127.0.0.1:{port}
    default_backend api
backend api
    server one 127.0.0.1:{backend}
"""

MODSECURITY = """
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:'200001',phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecResponseBodyAccess Off
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecTmpDir {folder}
SecDataDir {folder}
SecAuditEngine Off
Include {setup}
Include {rules}/*.conf
"""

PORTCULLIS = """
listeners:
  - address: 127.0.0.1:{port}
admin:
  address: 127.0.0.1:{admin}
trusted_proxies: [127.0.0.1/32]
upstreams:
  api:
    servers: ["http://127.0.0.1:{backend}"]
routes:
  - path: /
    upstream: api
    policy: default
policies:
  default:
{policy}
{stages}
store:
  database: "off"
records:
  output: {folder}/records.jsonl
log:
  level: warn
  file: {folder}/portcullis.log
workers:
  threads: {workers}
"""

POLICY_OFF = """
    mode: off
    limits: []
"""

# The shipped policy, with a limit that is counted on every request and that this load does not reach.
POLICY_ON = """
    mode: enforce
    limits:
      - { key: client, rate: 1000000/s, burst: 1000000 }
"""

STAGES_OFF = """
behaviour: {{ enabled: false }}
ensemble: {{ enabled: false }}
"""
# A load that begins at full speed is a surge, in which newcomers are shed: its clients are judged, and none is stopped.
STAGES_ON = """
behaviour: {{ enabled: true, allow: [10.0.0.0/8] }}
ensemble: {{ enabled: true, required: true, manifest: "{manifest}", library: "{library}" }}
"""
MANIFEST = Path(__file__).resolve().parents[2] / "models" / "artifacts" / "manifest.json"


def nginx_command(folder: Path, inside: str, modules: str = "") -> list[str]:
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX_COMMON.format(folder=folder, inside=inside, modules=modules, user=user))
    return [find("nginx") or "nginx", "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]


def backend_command(folder: Path, port: int) -> list[str]:
    inside = f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{ANSWER}'; }} }}"
    return nginx_command(folder, inside)


def nginx(folder: Path, port: int, backend: int) -> list[str]:
    return nginx_command(folder, NGINX_PROXY.format(port=port, backend=backend, extra=""))


def nginx_modsecurity(folder: Path, port: int, backend: int) -> list[str]:
    rules = folder / "modsecurity.conf"
    rules.write_text(MODSECURITY.format(folder=folder, setup=CRS_SETUP, rules=CRS_RULES))
    extra = f"modsecurity on; modsecurity_rules_file {rules};"
    inside = NGINX_PROXY.format(port=port, backend=backend, extra=extra)
    return nginx_command(folder, inside, modules=f"load_module {MODSECURITY_MODULE};")


def modsecurity_missing() -> str | None:
    for path in (MODSECURITY_MODULE, CRS_RULES, CRS_SETUP):
        if not path.exists():
            return f"{path} is not there"
    return needs("nginx")()


def haproxy(folder: Path, port: int, backend: int) -> list[str]:
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, backend=backend))
    return [find("haproxy") or "haproxy", "-db", "-f", str(config)]


def portcullis(
    binary: Path, policy: str, stages: str, free_port: Callable[[], int], workers: int = 1
) -> Callable[[Path, int, int], list[str]]:
    library = binary.parents[1] / "lib" / "libonnxruntime.so"

    def command(folder: Path, port: int, backend: int) -> list[str]:
        config = folder / "portcullis.yaml"
        filled = PORTCULLIS.format(
            folder=folder,
            port=port,
            backend=backend,
            admin=free_port(),
            workers=workers,
            policy=policy.strip("\n"),
            stages=stages.strip("\n").format(manifest=MANIFEST, library=library),
        )
        config.write_text(filled)
        return [str(binary), "run", "--config", str(config), "--state-dir", str(folder / "state")]

    return command


def everything_on(binary: Path, free_port: Callable[[], int], workers: int) -> Callable[[Path, int, int], list[str]]:
    return portcullis(binary, POLICY_ON, STAGES_ON, free_port, workers)


def all_peers(binary: Path, bare: Path, free_port: Callable[[], int]) -> list[Peer]:
    """In the order of the table; the first one is what the others are compared with."""

    def built(path: Path) -> Callable[[], str | None]:
        return lambda: None if path.exists() else f"{path} is not built"

    def gateway(name: str, label: str, policy: str, stages: str) -> Peer:
        return Peer(name, label, portcullis(binary, policy, stages, free_port), built(binary), records=True)

    return [
        Peer("nginx", "nginx", nginx, needs("nginx")),
        Peer("haproxy", "HAProxy", haproxy, needs("haproxy")),
        Peer("bare", "bare hyper proxy (the floor)", lambda _, p, b: [str(bare), f"127.0.0.1:{p}", f"127.0.0.1:{b}"], built(bare)),
        gateway("portcullis-off", "Portcullis, detection off", POLICY_OFF, STAGES_OFF),
        gateway("portcullis-rules", "Portcullis, rules and limits", POLICY_ON, STAGES_OFF),
        gateway("portcullis-on", "Portcullis, everything on", POLICY_ON, STAGES_ON),
        Peer("modsecurity", "nginx + ModSecurity + CRS", nginx_modsecurity, modsecurity_missing),
    ]
