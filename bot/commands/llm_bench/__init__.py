"""How fast an LLM endpoint is, cold and warm, with few callers and many."""
