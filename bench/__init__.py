"""Measurements of the running program beside their budgets. No test lives here, and the program imports none of it."""
