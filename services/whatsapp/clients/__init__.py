"""The providers that carry messages, behind one protocol."""
