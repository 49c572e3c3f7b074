"""`make up`: every part of Doko on one machine, in one terminal."""
