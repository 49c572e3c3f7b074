"""The payment reminder service (queue PAYMENT_REMINDERS)."""
