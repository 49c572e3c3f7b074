"""The credit service: calculates retailers' scores, the jobs of queue ``credit-score-calculation``."""
