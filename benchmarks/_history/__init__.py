"""Parts of the benchmark `history`."""
