"""What should happen, by the mean-field theory of random networks, and how far one may stray.

- ``spline``: a cubic spline over evenly spaced knots
- ``gaussian``: expectations of an activation, of one example and of two
- ``weights``: the variance that an initializer gives each layer
- ``examples``: the few that stand for a data set
- ``pairing``: what two examples have in common in one layer
- ``meanfield``: lengths, correlations and gradients by depth, from real inputs
- ``roots``: where a function crosses zero
- ``fixedpoints``: where repeated layers lead, the depth scales, the edge of chaos
- ``sobol``: quasi-random points
- ``outputs``: the first cost, and what it sends back
- ``bands``: how far a network of finite width strays
- ``gradients``: each layer's gradient with its band
- ``drawn``: the bands where no formula holds
- ``sentences``: what is worth saying, in words
- ``prediction``: all of it, of one network on one data set, as it is asked for
- ``predict``: a network, data and an initializer, read and checked
- ``beside``: the predictions of a study beside what was measured
"""

from goodinit.theory.fixedpoints import FixedPoint, edge_of_chaos, fixed_point
from goodinit.theory.predict import predict
from goodinit.theory.prediction import Prediction

__all__ = ["FixedPoint", "Prediction", "edge_of_chaos", "fixed_point", "predict"]
