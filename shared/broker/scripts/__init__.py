"""The engine's Lua scripts: each is one atomic step, documented in its header."""
