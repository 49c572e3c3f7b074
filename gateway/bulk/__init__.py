"""Bulk operations: one action on all jobs that match a filter, by the scheduler at a pace, undone within an hour."""
