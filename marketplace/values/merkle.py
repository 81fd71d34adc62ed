"""Merkle trees (RFC 9162, 2.1): one digest over many leaves, and a short proof that a leaf is among them.

Leaves and inner nodes are hashed with different prefixes, so that neither can pass for the other. Pure.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

LEAF, NODE = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a proof: the digest beside ours (64 hexadecimal digits), and whether it stands on the left."""

    left: bool
    sha256: str


def root_of(leaves: Sequence[bytes]) -> str:
    """The digest over the leaves in their order, as 64 hexadecimal digits; of none, that of the empty text."""
    if not leaves:
        return hashlib.sha256(b"").hexdigest()
    return _root(leaves).hex()


def path_of(leaves: Sequence[bytes], place: int) -> list[Step]:
    """The digests beside the way from the leaf at `place` up to the root. IndexError for a place that is not there."""
    if not 0 <= place < len(leaves):
        raise IndexError(place)
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if place < half:
        return [*path_of(leaves[:half], place), Step(left=False, sha256=_root(leaves[half:]).hex())]
    return [*path_of(leaves[half:], place - half), Step(left=True, sha256=_root(leaves[:half]).hex())]


def root_by_path(leaf: bytes, path: Sequence[Step]) -> str:
    """The root that a leaf and its proof lead to."""
    found = hashlib.sha256(LEAF + leaf).digest()
    for step in path:
        beside = bytes.fromhex(step.sha256)
        found = hashlib.sha256(NODE + (beside + found if step.left else found + beside)).digest()
    return found.hex()


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return hashlib.sha256(LEAF + leaves[0]).digest()
    half = _half(len(leaves))
    return hashlib.sha256(NODE + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _half(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
