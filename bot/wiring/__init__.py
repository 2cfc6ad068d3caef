"""What the settings choose, a part each; `engine` puts the parts together."""
