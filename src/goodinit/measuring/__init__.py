"""What was measured of a batch of trials.

- ``sharpness``: how sharply the cost bends
- ``stability``: how near steps come to overshooting, of each optimizer
- ``signals``: what the layers look like at one moment
- ``tables``: all of it as tidy tables, a row per observation
- ``ends``: where a trial ends, if its cost goes up and down
"""
