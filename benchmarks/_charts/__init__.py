"""Parts of the benchmark `charts`."""
