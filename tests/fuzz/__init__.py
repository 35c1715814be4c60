"""Feed the decoder what no ComfyUI would say; see docs/fuzzing.md. Run: python -m tests.fuzz.

batch.py    an input: some messages in a row, for one server's state
corpus.py   the captures of real servers as such inputs
mutate.py   from one input to the next: at the level of JSON, and of bytes
target.py   decode, apply, the feed's lines, the card; bounded in time
engines.py  who proposes inputs: atheris (coverage-guided, Linux), or a seeded generator
large.py    the same shapes grown to the largest size
"""
