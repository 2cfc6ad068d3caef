"""Recorded calls, played through the real pipeline again."""
