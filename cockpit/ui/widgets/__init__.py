"""Panes: pure builders of rows (one module a pane), and the one Textual widget that shows rows."""
