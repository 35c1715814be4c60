"""What Docker starts, held against what docs/deployment.md has one start by hand."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from ruamel.yaml import YAML  # what check-jsonschema reads YAML with

from config import env

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = YAML(typ="safe").load(COMPOSE_FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SPECIFICATION = "vendor.compose-spec"  # comes with check-jsonschema: no network is asked
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "scenewatch"}
DOCS = (ROOT / "docs" / "deployment.md").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def _section(title: str) -> str:
    """Return a section of the page, to the next title of any kind."""
    assert f"{title}\n" in DOCS, title
    return re.split(r"^#+ ", DOCS.partition(f"{title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _blocks(text: str) -> list[str]:
    """Return the lines of a text that are indented: what is to be typed."""
    return re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)


def _normal(command: str) -> tuple[str, ...]:
    """Return a command without what may differ: its folder, the address, a worker's number."""
    words = shlex.split(command.replace("%%", "%").replace("%i", "1"))
    words[0] = words[0].rpartition(".venv/bin/")[2]
    if "-b" in words:
        del words[words.index("-b") : words.index("-b") + 2]
    return tuple(re.sub(r"\d+@%h$", "@%h", word) for word in words)


def _typed(*titles: str) -> set[tuple[str, ...]]:
    lines = [line for title in titles for line in _blocks(_section(title))]
    return {_normal(line) for line in lines if line.startswith(".venv/bin/")}


def _composed(service: dict[str, Any]) -> set[tuple[str, ...]]:
    words = shlex.split(service["command"])
    script = words[2] if words[:2] == ["sh", "-c"] else service["command"]
    return {_normal(part) for part in script.split("&&")}


# --- The file itself ----------------------------------------------------------------------------


def test_it_is_valid_by_the_compose_specification() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SPECIFICATION, COMPOSE_FILE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_it_publishes_the_web_process_and_nothing_else() -> None:
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["web"]
    assert "network_mode" not in str(COMPOSE)


def test_it_looks_after_every_process_that_stays() -> None:
    stay = {name: service for name, service in SERVICES.items() if name != "migrate"}

    for name, service in stay.items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert service["stop_grace_period"], name
    assert SERVICES["migrate"]["restart"] == "no"


def test_it_starts_our_processes_once_the_database_is_ready() -> None:
    for name in OURS.keys() - {"migrate"}:
        condition = OURS[name]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully", name


def test_it_keeps_each_volume_in_a_named_one() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]

    assert {mount.partition(":")[0] for mount in mounts} == set(COMPOSE["volumes"])


def test_it_does_not_start_without_its_secrets() -> None:
    text = COMPOSE_FILE.read_text("utf-8")

    for name in ("SCENEWATCH_SECRET_KEY", "POSTGRES_PASSWORD"):
        given = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert given, name
        assert all(rest.startswith(":?") for rest in given), name


def test_it_asks_each_worker_by_the_name_that_it_was_started_under() -> None:
    for name in ("collector", "worker"):
        node = next(word for word in shlex.split(OURS[name]["command"]) if word.endswith("@%h"))
        asked = OURS[name]["healthcheck"]["test"][1]
        assert f"-d {node.removesuffix('%h')}$$HOSTNAME" in asked


# --- The same as by hand ------------------------------------------------------------------------


def test_it_starts_what_the_by_hand_commands_start() -> None:
    typed = _typed("### Prepare the database", "### Start the processes")

    assert {command for service in OURS.values() for command in _composed(service)} == typed


def test_the_systemd_units_start_what_the_by_hand_commands_start() -> None:
    units = {_normal(line) for line in re.findall(r"^ {4}ExecStart=(.*)$", DOCS, re.MULTILINE)}

    assert units == _typed("### Start the processes")


def test_it_starts_as_many_collectors_as_by_hand() -> None:
    by_hand = [line for line in _blocks(_section("### Start the processes")) if "collector" in line]
    names = [word for line in by_hand for word in line.split() if word.endswith("@%h")]

    assert len(set(names)) == len(by_hand) == SERVICES["collector"]["deploy"]["replicas"]


def test_the_image_starts_the_web_process_unless_told_otherwise() -> None:
    command = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)

    assert command
    words = YAML(typ="safe").load(command[1])
    assert words == shlex.split(OURS["web"]["command"])


def test_collectors_take_no_tasks() -> None:
    def queue(service: str) -> str:
        words = shlex.split(OURS[service]["command"])
        return words[words.index("-Q") + 1] if "-Q" in words else "celery"

    assert queue("collector") != queue("worker")


# --- The environment ----------------------------------------------------------------------------


def test_it_sets_only_variables_that_the_settings_read() -> None:
    for name, service in OURS.items():
        assert set(service["environment"]) <= set(env.VARIABLES), name


def test_the_example_and_the_page_name_only_variables_that_the_settings_read() -> None:
    named = set(re.findall(r"SCENEWATCH_\w+", EXAMPLE + DOCS))

    assert named <= set(env.VARIABLES)


def test_the_example_has_a_line_for_all_that_compose_or_a_process_by_hand_needs() -> None:
    needed = set(re.findall(r"\$\{(\w+)", COMPOSE_FILE.read_text("utf-8")))
    needed |= {"SCENEWATCH_DATABASE_URL", "SCENEWATCH_REDIS_URL"}

    assert needed <= set(re.findall(r"^#?(\w+)=", EXAMPLE, re.MULTILINE))


def test_the_example_holds_no_secret() -> None:
    given = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))

    assert (given["POSTGRES_PASSWORD"], given["SCENEWATCH_SECRET_KEY"]) == ("", "")


def test_the_deployment_checks_have_nothing_to_say_of_the_example_behind_a_proxy(
    tmp_path: Path,
) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SCENEWATCH_", "DJANGO_"))}
    own = {"SCENEWATCH_SECRET_KEY": "".join(map(chr, range(48, 123)))}
    named = dict(re.findall(r"^#?(SCENEWATCH_\w+)=(.*)$", EXAMPLE, re.MULTILINE)) | own

    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=kept | named | {"SCENEWATCH_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")


# --- The image ----------------------------------------------------------------------------------


def test_its_python_is_one_that_the_site_runs_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)

    assert len(versions) == len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE))
    assert len(set(versions)) == 1
    assert SpecifierSet(project["requires-python"]).contains(versions[0])


def test_it_installs_the_lock_with_its_hashes_and_builds_nothing() -> None:
    (install,) = re.findall(r"^.* install (?:.*\\\n)*.*requirements\.lock$", DOCKERFILE, re.M)

    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert "apt-get" not in DOCKERFILE


def test_it_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)[-1:] == ["scenewatch"]


def _ignored(path: str) -> bool:
    """Return what .dockerignore says of a path, at most one folder down; its last word counts."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    ignored = False
    for line in lines:
        pattern = line.removeprefix("!").removeprefix("**/")
        whole = pattern if line.startswith("**/") else path.split("/")[0]
        name = path.split("/")[-1] if line.startswith("**/") else whole
        if line and not line.startswith("#") and fnmatch(name, pattern):
            ignored = not line.startswith("!")
    return ignored


@pytest.mark.parametrize("path", ["var", ".venv", ".env", ".git", "tests", "config/__pycache__"])
def test_it_keeps_out_of_the_image_what_does_not_belong_there(path: str) -> None:
    assert _ignored(path)


def test_it_lets_into_the_image_what_is_copied_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)

    assert copied
    assert [path for path in copied if _ignored(path) or not (ROOT / path).exists()] == []


def test_it_copies_all_that_the_site_runs_on() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE))

    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages | {"manage.py", "templates", "static", "requirements.lock"} <= copied


# --- Words that lead here -----------------------------------------------------------------------


def test_the_pages_that_messages_lead_to_are_there() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "config").rglob("*.py"))

    named = set(re.findall(r"docs/[\w-]+\.md", sources))

    assert "docs/deployment.md" in named
    assert [page for page in named if not (ROOT / page).exists()] == []
