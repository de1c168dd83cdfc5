"""The command line: thin commands, and the one place that puts the concrete pieces together (``bootstrap``)."""
