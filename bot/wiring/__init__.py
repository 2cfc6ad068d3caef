"""The choices of the settings, a part each; `engine` puts the parts together."""
