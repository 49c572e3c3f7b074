"""The order routing service (queue ORDER_ROUTING)."""
