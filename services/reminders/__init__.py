"""The reminders service: reminds retailers of what they owe, the jobs of queue ``payment-reminders``."""
