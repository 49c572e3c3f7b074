"""The HTTP gateway: enqueues, answers, and serves the operators; and the processes around it."""
