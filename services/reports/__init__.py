"""The report service (queue REPORT_GENERATION)."""
