"""Floor 6: the pure core that decides, and the shell that feeds it and carries out its effects."""
