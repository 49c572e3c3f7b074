"""The operator's commands: ``doko stats``, ``jobs``, ``retry`` …, on the HTTP API with a token."""
