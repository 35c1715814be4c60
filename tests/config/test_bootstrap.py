"""config/bootstrap.py and its parts: from a bare Python to a running command.

A project of two tiny wheels stands in for ours; pip, environments and processes are the real ones.
"""

import ast
import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config import bootstrap, filelock, installation, pip_failures

BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
PARTS = ("__init__", "bootstrap", "filelock", "installation", "pip_failures", "rerun")
RUNTIME = ("django", "channels", "celery", "daphne")
MANAGE = """\
import sys
from config import bootstrap
bootstrap.ensure_packages(sys.argv)
import django
print(django.__file__, *sys.argv[1:])
sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@dataclass(frozen=True)
class Project:
    """A folder with manage.py, our bootstrap, locks, and the wheels that they pin."""

    folder: Path

    @property
    def environment(self) -> bootstrap.Environment:
        return bootstrap.Environment(self.folder / ".venv")

    def command(self, *arguments: str, python: Path | str = BASE_PYTHON) -> list[str]:
        return [str(python), "manage.py", *arguments]

    def variables(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "SCENEWATCH_"))}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.folder / "wheels")}
        return kept | offline | {"PIP_CONFIG_FILE": os.devnull, "PYTHONUTF8": "1"} | more

    def start(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return self.run(self.command(*arguments), **more)

    def run(self, command: list[str], **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables(**more),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    def pin(self, lock: str, **wheels: tuple[str, ...]) -> None:
        """Write a lock that pins version 1.0 of each name, a wheel with the given modules."""
        lines = [
            f"{name}==1.0 --hash=sha256:{_wheel(self.folder / 'wheels', name, modules)}"
            for name, modules in wheels.items()
        ]
        (self.folder / lock).write_text("\n".join(lines) + "\n")


def _wheel(folder: Path, name: str, modules: tuple[str, ...]) -> str:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for module in modules:
            wheel.writestr(f"{module}/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _new_project(folder: Path) -> Project:
    (folder / "config").mkdir(parents=True)
    (folder / "wheels").mkdir()
    for part in PARTS:
        shutil.copy(bootstrap.ROOT / "config" / f"{part}.py", folder / "config")
    (folder / "manage.py").write_text(MANAGE)
    project = Project(folder)
    project.pin("requirements.lock", site=RUNTIME)
    project.pin("requirements-dev.lock", site=RUNTIME, tools=("pytest", "pytest_django"))
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return _new_project(tmp_path / "project")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project that was started once; tests leave it as it is."""
    project = _new_project(tmp_path_factory.mktemp("installed") / "project")
    assert project.start("check").returncode == 0
    return project


@pytest.fixture
def started(installed: Project, tmp_path: Path) -> Project:
    """Return a project that was started once, to be changed."""
    folder = tmp_path / "started"
    shutil.copytree(installed.folder, folder, symlinks=True)
    return Project(folder)


def _without(folder: Path, *modules: str) -> str:
    """Return a PYTHONPATH that hides modules, as Debian does by leaving out their packages."""
    folder.mkdir()
    lines = [f"sys.modules[{module!r}] = None" for module in modules]
    (folder / "sitecustomize.py").write_text("import sys\n" + "\n".join(lines))
    return str(folder)


def _empty_environment(folder: Path) -> bootstrap.Environment:
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    return bootstrap.Environment(folder)


# --- From nothing -------------------------------------------------------------------------------


def test_it_returns_at_once_where_the_packages_are(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[Any] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: began.append(args))
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: began.append(args))

    bootstrap.ensure_packages(["manage.py", "test"])

    assert began == []


def test_it_makes_an_environment_and_runs_the_command_in_it(project: Project) -> None:
    result = project.start("check")

    assert result.returncode == 0, result.stderr
    assert str(project.environment.folder) in result.stdout
    assert result.stdout.rstrip().endswith(" check")


def test_it_tells_what_it_does(project: Project) -> None:
    said = project.start("check").stderr

    assert f"Making {project.environment.folder}" in said
    assert "Installing the packages of requirements.lock into" in said
    assert re.search(r"unpacking 1 packages … \d+ s", said)
    assert re.search(r"Installed in \d+ s\.", said)


def test_it_takes_the_folder_that_the_variable_names(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "environment"

    result = project.start("check", SCENEWATCH_VENV=str(elsewhere))

    assert str(elsewhere) in result.stdout
    assert not project.environment.folder.exists()


def test_it_does_without_the_module_that_debian_leaves_out(
    project: Project, tmp_path: Path
) -> None:
    result = project.start("check", PYTHONPATH=_without(tmp_path / "debian", "ensurepip"))

    assert result.returncode == 0, result.stderr


# --- Again --------------------------------------------------------------------------------------


def test_it_says_and_installs_nothing_the_second_time(installed: Project) -> None:
    result = installed.start("check")

    assert result.returncode == 0
    assert result.stderr == ""


def test_it_passes_arguments_and_the_exit_code_on(installed: Project) -> None:
    result = installed.start("check", "7")

    assert result.stdout.rstrip().endswith(" check 7")
    assert result.returncode == 7


def test_it_installs_a_lock_that_has_changed(started: Project) -> None:
    started.pin("requirements.lock", site=RUNTIME, more=("another",))

    result = started.start("check")

    assert "unpacking 1 packages" in result.stderr
    assert list(started.environment.folder.glob("**/another/__init__.py"))


def test_it_repairs_an_installation_that_was_cut_short(started: Project) -> None:
    started.environment.mark("made")
    shutil.rmtree(next(started.environment.folder.glob("**/channels")))
    shutil.rmtree(next(started.environment.folder.glob("**/site-1.0.dist-info")))

    result = started.start("check")

    assert result.returncode == 0
    assert list(started.environment.folder.glob("**/channels/__init__.py"))


def test_it_makes_an_environment_anew_whose_python_is_gone(started: Project) -> None:
    started.environment.python.unlink()

    result = started.start("check")

    assert result.returncode == 0, result.stderr
    assert "Making" in result.stderr


def test_it_waits_for_another_start_that_installs(started: Project) -> None:
    started.environment.mark("made")
    path = started.environment.folder / "scenewatch-lock"
    with filelock.hold(path, "process 4711"):
        second = subprocess.Popen(
            started.command("check"),
            cwd=started.folder,
            env=started.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert second.stderr is not None
        first_line = second.stderr.readline()

    second.communicate()

    assert "Another start is installing the packages (process 4711)" in first_line
    assert second.returncode == 0


# --- For the tests ------------------------------------------------------------------------------


def test_it_adds_what_the_tests_need_to_its_own_environment(started: Project) -> None:

    result = started.start("test")

    assert "requirements-dev.lock" in result.stderr
    assert list(started.environment.folder.glob("**/pytest_django/__init__.py"))


def test_it_needs_no_second_installation_for_the_site_after_the_tests(project: Project) -> None:
    project.start("test")

    result = project.start("check")

    assert result.stderr == ""


# --- Environments of other people ---------------------------------------------------------------


def test_it_fills_an_activated_environment_without_django(project: Project, tmp_path: Path) -> None:
    theirs = _empty_environment(tmp_path / "theirs")

    result = project.run(project.command("check", python=theirs.python))

    assert result.returncode == 0, result.stderr
    assert f"into {theirs.folder}" in result.stderr
    assert not project.environment.folder.exists()


def test_it_leaves_a_filled_environment_to_its_owner(project: Project, tmp_path: Path) -> None:
    theirs = _empty_environment(tmp_path / "theirs")
    project.run(project.command("check", python=theirs.python))
    project.pin("requirements.lock", site=RUNTIME, more=("another",))

    result = project.run(project.command("check", python=theirs.python))

    assert result.returncode == 0
    assert not list(theirs.folder.glob("**/another"))


def test_it_does_not_change_an_environment_that_has_django(
    project: Project, tmp_path: Path
) -> None:
    theirs = _empty_environment(tmp_path / "theirs")
    project.run(project.command("check", python=theirs.python))

    result = project.run(project.command("test", python=theirs.python))

    assert result.returncode == 1
    assert "does not change an environment that it did not make" in result.stderr
    assert "pip install -r requirements-dev.lock" in result.stderr
    assert not list(theirs.folder.glob("**/pytest"))


def test_it_uses_an_environment_that_somebody_made_beside_it(project: Project) -> None:
    theirs = _empty_environment(project.environment.folder)

    result = project.start("check")

    assert str(theirs.folder) in result.stdout
    assert not theirs.stamp.exists()


def test_it_refuses_a_folder_with_something_else_in_it(project: Project) -> None:
    project.environment.folder.mkdir()
    (project.environment.folder / "letters.txt").write_text("dear")

    result = project.start("check")

    assert result.returncode == 1
    assert "it is no environment that works" in result.stderr
    assert "SCENEWATCH_VENV" in result.stderr
    assert (project.environment.folder / "letters.txt").read_text() == "dear"


# --- Failures, in words -------------------------------------------------------------------------


def test_it_refuses_a_package_that_is_not_the_locked_one(project: Project) -> None:
    _wheel(project.folder / "wheels", "site", ("django", "malice"))

    result = project.start("check")

    assert result.returncode == 1
    assert "A package is not the file that the lock expects" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(project.environment.folder.glob("**/malice"))


def test_it_says_when_a_package_is_not_made_for_this_python(project: Project) -> None:
    for wheel in (project.folder / "wheels").iterdir():
        wheel.unlink()

    result = project.start("check")

    assert result.returncode == 1
    assert "A package is not made for this Python" in result.stderr


def test_it_says_when_there_is_no_pip_at_all(project: Project, tmp_path: Path) -> None:
    bare = _without(tmp_path / "bare", "pip", "ensurepip")

    result = project.start("check", PYTHONPATH=bare)

    assert result.returncode == 1
    assert "has no pip" in result.stderr
    assert "apt install python3-pip" in result.stderr


def test_it_says_when_the_folder_cannot_be_made(project: Project) -> None:
    result = project.start("check", SCENEWATCH_VENV=str(project.folder / "manage.py" / "venv"))

    assert result.returncode == 1
    assert "SCENEWATCH_VENV" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("number", "what", "then"),
    [
        (errno.EROFS, "read-only for you", "Copy Scenewatch into a folder of yours"),
        (errno.EACCES, "read-only for you", "let SCENEWATCH_VENV name a folder"),
        (errno.ENOSPC, "The disk is full", "Free about 500 MB"),
    ],
)
def test_it_words_what_is_wrong_with_a_folder(
    monkeypatch: pytest.MonkeyPatch, number: int, what: str, then: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/home/alice/.venv")

    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(bootstrap.Lock, "missing", lambda lock: True)
    monkeypatch.setattr(bootstrap, "_ensure_made", fail)

    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure_packages(["manage.py", "check"])

    assert "/home/alice/.venv" in str(ended.value)
    assert what in str(ended.value)
    assert then in str(ended.value)


def test_it_ends_in_words_after_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "_ensure_here", interrupt)

    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure_packages(["manage.py", "check"])

    assert ended.value.code == 130
    assert "The next start goes on" in capsys.readouterr().err


RETRYING = (
    "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after "
    "connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection "
    "object at 0x7f>: Failed to establish a new connection: [Errno 111] refused')': /simple/a/\n"
)
NO_MATCH = (
    "ERROR: Could not find a version that satisfies the requirement django==5.2.19 (from "
    "versions: none)\nERROR: No matching distribution found for django==5.2.19\n"
)


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (RETRYING + NO_MATCH, "The package index cannot be reached"),
        (
            "ERROR: HTTP error 403 while getting https://index.example/simple/django/\n",
            "The package index cannot be reached",
        ),
        (
            "Could not fetch URL https://index.example/simple/: There was a problem confirming the "
            "ssl certificate: HTTPSConnectionPool(host='index.example', port=443): Max retries "
            "exceeded (Caused by SSLError(SSLCertVerificationError('CERTIFICATE_VERIFY_FAILED')))",
            "a certificate that this Python does not trust",
        ),
        (NO_MATCH, "A package is not made for this Python"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on "
            "device\n",
            "The disk is full",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: "
            "'/srv/.venv/lib'\n",
            "A folder cannot be written",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n",
            "not the file that the lock expects",
        ),
        (
            "ERROR: Hashes are required in --require-hashes mode, but they are missing\n",
            "The lock is damaged",
        ),
        (
            "Looking in indexes: https://index.example/simple\nERROR: odd https://index.example/x\n",
            "pip gave up: ERROR: odd …",
        ),
    ],
)
def test_it_words_what_pip_says_without_naming_the_index(output: str, what: str) -> None:
    text = str(pip_failures.explain(output))

    assert what in text
    assert text.count("\n") >= 1, "says what to do next"
    assert "index.example" not in text


# --- Progress -----------------------------------------------------------------------------------


class Screen:
    """Takes what is written, and is a clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.text = ""
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def write(self, text: str, end: str) -> None:
        self.text += text + end

    def progress(self, total: int, overwrites: bool) -> installation.Progress:
        return installation.Progress(total, self.clock, self.write, overwrites)


def test_it_counts_packages_and_seconds_on_one_line_of_a_terminal() -> None:
    screen = Screen()
    progress = screen.progress(61, overwrites=True)
    screen.seconds = 3

    progress.show("Collecting django==5.2.19 (from -r requirements.lock (line 5))\n")
    screen.seconds = 4
    progress.show(None)

    assert screen.text.split("\r")[1:] == [
        "  fetching 1 of 61: django … 3 s",
        "  fetching 1 of 61: django … 4 s",
    ]


def test_it_leaves_out_packages_of_other_platforms() -> None:
    screen = Screen()
    progress = screen.progress(61, overwrites=True)

    progress.show("Ignoring tzdata: markers 'sys_platform == \"win32\"' don't match\n")
    progress.show("Processing /my-mirror/attrs-26.1.0-py3-none-any.whl (from -r /a-b/c.lock)\n")

    assert "fetching 1 of 60: attrs" in screen.text


def test_it_leaves_out_packages_that_are_there() -> None:
    screen = Screen()
    progress = screen.progress(61, overwrites=True)

    progress.show("Requirement already satisfied: amqp==5.4.2 in ./.venv/lib\n")
    progress.show("Installing collected packages: attrs\n")

    assert "unpacking 60 packages" in screen.text


def test_it_writes_few_lines_where_there_is_no_terminal() -> None:
    screen = Screen()
    progress = screen.progress(25, overwrites=False)

    for number in range(25):
        progress.show(f"Collecting package{number}==1.0\n")
        progress.show(None)
    progress.show("Installing collected packages: package0\n")

    assert len(screen.text.splitlines()) == 3
    assert "unpacking 25 packages" in screen.text


def test_it_says_that_it_tries_again() -> None:
    screen = Screen()

    screen.progress(61, overwrites=False).show(RETRYING)

    assert "no answer from the package index; trying again" in screen.text


# --- The child ----------------------------------------------------------------------------------

CHILD = """\
import signal, sys
interrupts = 0
def on_int(*_):
    global interrupts
    interrupts += 1
    print("int", flush=True)
def on_term(*_):
    print("term after", interrupts, flush=True)
    sys.exit(7)
signal.signal(signal.SIGINT, on_int)
signal.signal(signal.SIGTERM, on_term)
print("ready", flush=True)
while True:
    signal.pause()
"""
PARENT = """\
import sys
from pathlib import Path
from config.rerun import run_again
sys.exit(run_again(Path(sys.executable), [sys.argv[1]]))
"""
IN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"


def _parent(
    tmp_path: Path, code: str = PARENT, stdin: int | None = None
) -> "subprocess.Popen[str]":
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(child)],
        cwd=bootstrap.ROOT,
        start_new_session=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


@posix_only
def test_it_passes_sigterm_to_the_command_and_waits_for_it(tmp_path: Path) -> None:
    parent = _parent(tmp_path)
    assert parent.stdout is not None
    parent.stdout.readline()

    parent.send_signal(signal.SIGTERM)
    said, errors = parent.communicate()

    assert said == "term after 0\n"
    assert parent.returncode == 7
    assert errors == ""


@posix_only
def test_it_passes_sigint_to_the_command_where_there_is_no_terminal(tmp_path: Path) -> None:
    parent = _parent(tmp_path)
    assert parent.stdout is not None
    parent.stdout.readline()

    parent.send_signal(signal.SIGINT)
    said = parent.stdout.readline()
    parent.send_signal(signal.SIGTERM)
    _, errors = parent.communicate()

    assert said == "int\n"
    assert errors == ""


@posix_only
def test_it_does_not_double_a_ctrl_c_of_the_terminal(
    tmp_path: Path, terminal: tuple[int, int]
) -> None:
    keyboard, screen = terminal
    parent = _parent(tmp_path, IN_TERMINAL + PARENT, stdin=screen)
    assert parent.stdout is not None
    parent.stdout.readline()

    os.write(keyboard, b"\x03")
    parent.stdout.readline()
    parent.send_signal(signal.SIGTERM)
    said, _ = parent.communicate()

    assert said == "term after 1\n"


@posix_only
def test_it_ends_as_a_shell_would_say_it_when_the_command_is_killed(tmp_path: Path) -> None:
    code = PARENT.replace("[sys.argv[1]]", "['-c', 'import os; os.kill(os.getpid(), 9)']")

    parent = _parent(tmp_path, code)
    parent.communicate()

    assert parent.returncode == 128 + signal.SIGKILL


# --- The files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_it_needs_nothing_but_the_standard_library(part: str) -> None:
    tree = ast.parse((bootstrap.ROOT / "config" / f"{part}.py").read_text("utf-8"))

    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        + ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
    }

    assert imported <= {"config", *sys.stdlib_module_names}


def test_it_tells_an_old_python_in_words_what_it_needs() -> None:
    source = (bootstrap.ROOT / "manage.py").read_text("utf-8")

    ast.parse(source, feature_version=(3, 4))

    assert source.index("sys.version_info < (3, 11)") < source.index("from config")
