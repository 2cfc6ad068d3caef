"""Real speech with its labels: how the recordings and the turn suite are made and read."""
