"""Trains the model of words on public dialogues, and says how good it is."""
