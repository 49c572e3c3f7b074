"""The credit score service (queue CREDIT_SCORE)."""
