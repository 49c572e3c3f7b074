"""The report service (queue REPORT_GENERATION): will hold the worker that writes report files.

Its message is ``shared/messages/reports.py``; jobs enqueued before the worker exists wait in the queue.
"""
