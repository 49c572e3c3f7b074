"""Dramatiq middleware, one a file; what must hold never lives only here, since Dramatiq swallows its errors."""
