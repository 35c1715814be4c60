"""Write the library that draws charts in browsers to the standard output.

Run as a process of its own (`python -m history.charts.make_library`): it takes a second, and a
process that has used vl_convert must not be forked any more, which a worker's parent is.
"""

import sys

import vl_convert

# Loaded as a module, so nothing else of it reaches the page.
SNIPPET = "globalThis.vegaEmbed = vegaEmbed;"

if __name__ == "__main__":
    sys.stdout.buffer.write(vl_convert.javascript_bundle(SNIPPET).encode())
