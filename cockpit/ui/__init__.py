"""The screen: a Textual replica of the engine. It knows views, commands and the link only."""
