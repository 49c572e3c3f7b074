"""Prometheus text as a test reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Scrape:
    """One answer of ``/metrics``."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples: dict[tuple[str, Labels], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, metric: str, /, **labels: str) -> float:
        """One sample's value; KeyError if it isn't there."""
        return self._samples[metric, frozenset(labels.items())]

    def described(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Our metrics as the documents name them: type and labels by name."""
        found = {}
        for family in self.families.values():
            # prometheus_client tells beside each of its own counters when it was made.
            if family.name.startswith("doko_") and not family.name.endswith("_created"):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                labels = {label for sample in family.samples for label in sample.labels} - {"le"}
                found[name] = (family.type, frozenset(labels))
        return found
