"""Other voice agents behind the same ears, voice and LLM server, each in its own environment."""
