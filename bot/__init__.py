"""How the world reaches a conversation: sockets, protocols, settings, the command line."""

__version__ = "0.2.0"
