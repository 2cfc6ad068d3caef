"""FastRTC's `ReplyOnPause`, without WebRTC."""
