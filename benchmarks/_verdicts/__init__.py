"""Parts of the benchmark of the statistics: made-up histories, trials on them, timings."""
