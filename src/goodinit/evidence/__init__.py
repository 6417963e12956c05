"""How sure a difference is, and why an initializer fails.

- ``spread``: how a spread over seeds is told
- ``middles``: the middle of each measure over the seeds
- ``ranks``: ranks, and the tests that count in them
- ``statistics``: intervals, tests, equivalence, power
- ``splits``: what is counted, seeds or splits
- ``examples``: what the data have against being learned
- ``thresholds``: from which number on a measurement counts
- ``causes``: what can be wrong with a run
- ``rates``: at which learning rate each initializer is compared
- ``pairs``: each pair of initializers: told apart, equivalent, or undecided
- ``ranking``: who is recommended, and how the others stand to it
- ``runs``: the tables as one run at a time, as the causes look at it
- ``unfinished``: what is known of networks that don't learn, without a cause
- ``verdict``: the label of each initializer, its cause, its numbers
- ``remedies``: what there is to do about a verdict
- ``units``: costs as errors in the target's own units
"""
