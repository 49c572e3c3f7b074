"""The order service (queue ORDER_PROCESSING): will hold the worker that moves orders from state to state.

Its message is ``shared/messages/orders.py``; jobs enqueued before the worker exists wait in the queue.
"""
