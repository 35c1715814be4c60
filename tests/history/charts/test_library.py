"""The library of charts: made once, kept, and served for good."""

import gzip
import subprocess

import pytest

from history.charts import library


@pytest.fixture
def address() -> str:
    return f"/charts/vega-{library.digest()}.js"


@pytest.fixture
def elsewhere(settings, tmp_path):
    """Keep the library in a folder of this test's own, which has none yet."""
    settings.DATA_DIR = tmp_path
    library._made.cache_clear()
    return tmp_path


def test_browsers_keep_it_for_good(client, address):
    answer = client.get(address, headers={"accept-encoding": "gzip"})

    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert b"globalThis.vegaEmbed" in gzip.decompress(answer.content)


def test_who_takes_no_gzip_gets_it_plain(client, address):
    answer = client.get(address)

    assert "Content-Encoding" not in answer
    assert b"globalThis.vegaEmbed" in answer.content


def test_another_version_has_another_address(client):
    assert client.get("/charts/vega-0123456789abcdef.js").status_code == 404


def test_it_is_made_once_for_all_processes(elsewhere, monkeypatch):
    monkeypatch.setattr(library, "_bundle", lambda: b"made")
    first = library.zipped()
    library._made.cache_clear()
    monkeypatch.setattr(library, "_bundle", lambda: pytest.fail("made again"))

    assert library.zipped() == first
    assert [path.name for path in (elsewhere / "charts").iterdir()] == [
        f"vega-{library.digest()}.js.gz"
    ]


def test_a_folder_that_cannot_be_written_costs_no_chart(elsewhere, monkeypatch):
    (elsewhere / "charts").write_text("a file in its place")
    made = []
    monkeypatch.setattr(library, "_bundle", lambda: made.append(1) or b"made")

    assert gzip.decompress(library.zipped()) == gzip.decompress(library.zipped()) == b"made"
    assert made == [1]


def test_no_web_process_loads_what_makes_it():
    loads = "import sys, django; django.setup(); import config.urls"
    code = f"{loads}; sys.exit('vl_convert' in sys.modules)"

    assert subprocess.run([library.COMMAND[0], "-c", code], check=False).returncode == 0
