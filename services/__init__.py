"""The worker services, one folder and one deployable per queue."""
