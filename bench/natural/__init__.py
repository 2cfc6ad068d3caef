"""Natural speech: how long people who speak freely wait, and how often they are cut into."""
