"""How sure a difference is, and why an initializer fails.

- ``spread``: how a spread over seeds is told
- ``pairs``: intervals, paired differences, tests
- ``causes``: what can be wrong with a run, and the thresholds
- ``runs``: the tables as one run at a time, as the causes look at it
- ``verdict``: the label of each initializer, its cause, its numbers
"""
