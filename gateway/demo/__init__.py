"""Demo data: a made-up platform in Nepal, the same for the same seed and day.

``cast`` makes shops and wholesalers, ``history`` lets them trade day by day, ``data`` hands it all
out as rows with the import's column names, and ``loading`` and ``files`` put them somewhere.
"""
