"""Prometheus metrics that several processes show; docs/metrics.md lists them all.

Collectors make their numbers at the scrape: from counters that Redis and the processes keep anyway, never by counting.
"""
