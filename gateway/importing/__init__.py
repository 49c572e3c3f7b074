"""``doko import``: files of the platform's data, checked row by row and stored batch by batch."""
