"""Screens: which panes exist and where they stand."""
