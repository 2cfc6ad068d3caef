"""LiveKit Agents, without a LiveKit server."""
