"""The order service (queue ORDER_PROCESSING)."""
