"""Parts of the benchmarks `fanout` and `live`: signed-in viewers, and what sends to them."""
