"""Raw frames on disk: writing segments, reading every kind of frame file."""
