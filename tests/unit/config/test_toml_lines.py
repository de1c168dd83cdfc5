"""Line numbers of keys, on every way TOML can spell them."""

from __future__ import annotations

from cockpit.config.toml_lines import key_lines

TEXT = '''\
# comment
top = 1

[a.b]
x = """
[no]
table = 1
"""
y = [
  1, # one
  2,
]
"quoted key".z = 'v # not a comment'

[[rows]]
n = { p = 1, q.r = 2 }
'''


def test_every_key_is_found_on_the_line_where_it_begins() -> None:
    lines = key_lines(TEXT)
    assert lines["top",] == 2
    assert lines["a", "b"] == 4
    assert lines["a", "b", "x"] == 5
    assert lines["a", "b", "y"] == 9
    assert lines["a", "b", "quoted key", "z"] == 13
    assert lines["rows", "n"] == 16
    assert lines["rows", "n", "q", "r"] == 16
    assert ("no",) not in lines


def test_carriage_returns_do_not_matter() -> None:
    assert key_lines("a = 1\r\n\r\n[b]\r\nc = 2\r\n") == {("a",): 1, ("b",): 3, ("b", "c"): 4}
