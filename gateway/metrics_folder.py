"""Where the gateway's processes keep their metrics: must be set before prometheus_client is imported."""

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
