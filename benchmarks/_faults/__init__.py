"""What the benchmark `faults` is made of: servers that fail, the truth, and who compares."""
