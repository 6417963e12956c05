"""What is compared: trials, and the grid that they make.

- ``trials``: what a trial is, and what every study is to what comes after it
- ``asked``: which initializers are compared
- ``grid``: initializer × learning rate × seed on a network and data
"""
