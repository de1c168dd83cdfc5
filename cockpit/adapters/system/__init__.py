"""The machine the program runs on."""
