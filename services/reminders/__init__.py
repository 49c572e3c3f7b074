"""The payment reminder service (queue PAYMENT_REMINDERS): will hold the worker that decides who is reminded of what.

Its message is ``shared/messages/reminders.py``; jobs enqueued before the worker exists wait in the queue.
"""
