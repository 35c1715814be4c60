"""The settings of the suite: those of the site, without anything of the developer's environment.

pytest-django loads the settings before any conftest, so what has to be known by then stands here:
a data folder of this run, and the services that a run is pointed at by

    SCENEWATCH_TEST_DATABASE_URL    instead of SQLite
    SCENEWATCH_TEST_REDIS_URL       instead of memory

Each pytest-xdist worker loads this anew and has a folder, and a number in Redis, of its own.
"""

import atexit
import os
import shutil
import tempfile

_OWN = "SCENEWATCH_"
_FOR_TESTS = "SCENEWATCH_TEST_"

for _name in [name for name in os.environ if name.startswith(_OWN)]:
    if not _name.startswith(_FOR_TESTS):
        del os.environ[_name]
for _name in ("DATABASE_URL", "REDIS_URL"):
    if _FOR_TESTS + _name in os.environ:
        os.environ[_OWN + _name] = os.environ[_FOR_TESTS + _name]

_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
if _OWN + "REDIS_URL" in os.environ:
    _base, _, _number = os.environ[_OWN + "REDIS_URL"].rpartition("/")
    os.environ[_OWN + "REDIS_URL"] = f"{_base}/{int(_number) + int(_worker.removeprefix('gw'))}"

_folder = tempfile.mkdtemp(prefix="scenewatch-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ[_OWN + "DATA_DIR"] = _folder

from config.settings import *  # noqa: E402, F403

# Look a static file up when it is asked for: a test's client asks for few, and would read them all.
WHITENOISE_AUTOREFRESH = True
