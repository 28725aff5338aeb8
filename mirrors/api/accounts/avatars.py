"""What Quay's clients draw for an account."""

from __future__ import annotations

import hashlib

from mirrors.api.operations import STRING, answer

COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")
AVATAR = answer({"name": STRING, "hash": STRING, "color": STRING, "kind": STRING})


def avatar(name: str, *, kind: str) -> dict[str, str]:
    """A letter on a colour that follows from the name. kind: user, robot, team or org."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    color = COLORS[int(digest[:8], 16) % len(COLORS)]
    return {"name": name, "hash": digest, "color": color, "kind": kind}
