"""Merkle trees: every leaf is proved by its path, and nothing else is."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from marketplace.values.merkle import Step, path_of, root_by_path, root_of


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40), st.data())
def test_every_leaf_is_under_the_root_by_its_path(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    path = path_of(leaves, place)

    assert root_by_path(leaves[place], path) == root_of(leaves)
    assert len(path) <= (len(leaves) - 1).bit_length()


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20, unique=True), st.binary(max_size=40), st.data())
def test_no_other_leaf_is_proved_by_that_path(leaves: list[bytes], other: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    proved = root_by_path(other, path_of(leaves, place)) == root_of(leaves)

    assert proved == (other == leaves[place])


def test_the_tree_is_that_of_rfc_9162() -> None:
    """Its own small case: three leaves, worked by hand."""

    def leaf(content: bytes) -> bytes:
        return hashlib.sha256(b"\x00" + content).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    a, b, c = (leaf(each) for each in (b"a", b"b", b"c"))
    assert root_of([b"a", b"b", b"c"]) == node(node(a, b), c).hex()
    assert path_of([b"a", b"b", b"c"], 2) == [Step(left=True, sha256=node(a, b).hex())]
    assert root_of([]) == hashlib.sha256(b"").hexdigest()
