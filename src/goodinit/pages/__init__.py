"""What was measured as one HTML file that opens anywhere and loads nothing.

- ``columns``: numbers as a page takes them
- ``page``: the file, and where it may be written
- ``answer``: what comes first
- ``command``: what makes a study again
- ``lines``: curves, and signals by layer
- ``plane``: boundaries and images
- ``study``: all of a study
- ``inspection``: all of an inspection

``play.html`` and ``report.html`` are built by ``web/``.
"""
