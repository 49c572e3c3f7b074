"""The credit score service (queue CREDIT_SCORE): will hold the worker that recalculates a retailer's score.

Its message is ``shared/messages/credit.py``; jobs enqueued before the worker exists wait in the queue.
"""
