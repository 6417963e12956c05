"""In what the study of a folder is another one than what is asked, and how both become one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from goodinit.store.data import splits_apart
from goodinit.store.description import SEVERAL, UNSAID


def differences(known: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return in what the study of a folder is another one than what is asked."""
    pairs = {name: (known[name], asked[name]) for name in ("format", "keep_networks")}
    for name in asked["initializers"].keys() & known["initializers"].keys():
        drawn = known["initializers"][name], asked["initializers"][name]
        if len(drawn[0]) == len(drawn[1]) and not np.allclose(*drawn, rtol=1e-6, atol=0):
            pairs[f"initializer {name}"] = drawn
    return [*other_than(known, asked), *_said(pairs)]


def other_than(known: Mapping[str, Any], identity: Mapping[str, Any]) -> list[str]:
    """Return in what the study of a folder is another one than that of an identity."""
    pairs = {"kind": (known["kind"], identity["kind"])}
    pairs["data"] = (known["data"]["fingerprint"], identity["data"]["fingerprint"])
    pairs |= splits_apart(known, identity)
    for group in ("network", "module", "training"):
        ours, theirs = identity.get(group, {}), known.get(group, {})
        for name in ours | {name: of for name, of in theirs.items() if name in UNSAID}:
            pairs[name] = (theirs.get(name, UNSAID.get(name)), ours.get(name, UNSAID.get(name)))
    return _said(pairs)


def _said(pairs: Mapping[str, tuple[Any, Any]]) -> list[str]:
    return [f"{name} {a} and not {b}" for name, (a, b) in pairs.items() if a != b]


def merged(known: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of what a folder holds and of what else is asked, as one."""
    return dict(known) | {
        "initializers": known["initializers"] | asked["initializers"],
        **{name: list(dict.fromkeys(known[name] + asked[name])) for name in SEVERAL},
        "asked": asked["asked"],
        "versions": [v for v in known["versions"] if v not in asked["versions"]]
        + asked["versions"],
    }
