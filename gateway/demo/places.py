"""Cities of Nepal with their provinces, weighted by how much is traded there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A city in its province."""

    city: str
    province: str
    weight: int


KATHMANDU = Place("Kathmandu", "Bagmati", 26)
LALITPUR = Place("Lalitpur", "Bagmati", 11)

PLACES = (
    KATHMANDU,
    LALITPUR,
    Place("Bhaktapur", "Bagmati", 6),
    Place("Bharatpur", "Bagmati", 7),
    Place("Hetauda", "Bagmati", 3),
    Place("Banepa", "Bagmati", 2),
    Place("Biratnagar", "Koshi", 8),
    Place("Dharan", "Koshi", 4),
    Place("Itahari", "Koshi", 4),
    Place("Birtamod", "Koshi", 3),
    Place("Ilam", "Koshi", 1),
    Place("Birgunj", "Madhesh", 7),
    Place("Janakpur", "Madhesh", 5),
    Place("Lahan", "Madhesh", 2),
    Place("Rajbiraj", "Madhesh", 1),
    Place("Pokhara", "Gandaki", 11),
    Place("Damauli", "Gandaki", 2),
    Place("Gorkha", "Gandaki", 1),
    Place("Baglung", "Gandaki", 1),
    Place("Butwal", "Lumbini", 7),
    Place("Siddharthanagar", "Lumbini", 3),
    Place("Nepalgunj", "Lumbini", 5),
    Place("Ghorahi", "Lumbini", 3),
    Place("Tansen", "Lumbini", 1),
    Place("Birendranagar", "Karnali", 3),
    Place("Jumla", "Karnali", 1),
    Place("Dhangadhi", "Sudurpashchim", 4),
    Place("Mahendranagar", "Sudurpashchim", 2),
    Place("Dadeldhura", "Sudurpashchim", 1),
)
