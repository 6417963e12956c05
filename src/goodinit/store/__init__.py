"""How a study lies on disk, and goes on where it stopped.

- ``kinds``: which kinds of study there are, and who reads each
- ``parts``: the files: checksummed, written whole or not at all
- ``written``: what goodinit wrote; nothing else is ever touched
- ``data``: the examples
- ``description``: ``study.json``: what each key takes
- ``differing``: whether two descriptions are of one study
- ``folder``: the study folder: opened, described, read
- ``begun``: what was decided when the folder was begun
- ``merging``: several folders as one
"""
