"""What the tests of modules build on is imported by them, not collected: it has no tests."""

collect_ignore_glob = ["models.py", "pieces.py", "schemes.py", "zoo_*.py"]
