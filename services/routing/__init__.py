"""The order routing service (queue ORDER_ROUTING): will hold the worker that finds a vendor for an order.

Its messages are in ``shared/messages/routing.py``; jobs enqueued before the worker exists wait in the queue.
"""
