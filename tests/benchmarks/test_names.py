"""That each benchmark can be asked for by its name."""

import pytest

from benchmarks.__main__ import main, names


def test_it_offers_every_benchmark_and_none_of_their_parts(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in names())
    assert {"live", "fanout", "collector"} <= set(names())
    assert not {"stack", "sign_in", "figures", "processes"} & set(names())
