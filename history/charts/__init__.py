"""Charts: what is drawn as plain data, and how that becomes a spec, a table and an answer.

parts.py     a chart as data: series of values, axes, what is usual
ticks.py     where an axis ends and what stands on it
sampling.py  fewer points where there are too many, extremes kept
spec.py      the Vega-Lite spec; colours are the names of the design's tokens
reading.py   the chart in words: what a pointer or key reads, the legend, the table
sparkline.py a line without axes beside a figure
answers.py   the JSON answer, and the page of the table
places.py    where a chart stands on a page
library.py   the Vega-Lite library for browsers

All but the last three are pure. How to add a chart: docs/charts.md.
"""
