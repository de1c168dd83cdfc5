"""Configuration: models, loading with provenance, presets, secrets."""
