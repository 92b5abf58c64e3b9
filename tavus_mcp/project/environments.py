"""Compare two environments of a project with each other: the same names, other ids."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import ComparedObject, Comparison, Status
from tavus_mcp.project.merge import MergeBase, Side, merge_fields, object_side


def compare_environments(app: App, own: Comparison, other: Comparison) -> list[ComparedObject]:
    """Return each object of either account, compared as if one account were the file.

    The fields of ``own`` are in place of those of a file, and every difference is a change of it.
    """
    compared = []
    for name in sorted({*own.objects, *other.objects}, key=lambda item: item.sort_key):
        left, right = (side.objects.get(name) for side in (other, own))
        is_left, is_right = (
            side is not None and side.document is not None for side in (left, right)
        )
        if right is not None and is_right and not is_left:
            status = Status.ONLY_LOCAL
            compared.append(ComparedObject(name, status, right.rendered, document=right.document))
        elif left is not None and is_left and not is_right:
            compared.append(
                ComparedObject(name, Status.ONLY_REMOTE, left.rendered, document=left.document)
            )
        elif left is not None and right is not None and is_left:
            is_same = ADAPTERS[name.folder].build_equivalence(app)
            base = MergeBase(left.account, left.account)
            fields = merge_fields(base, right.account, left.account, is_same)
            is_equal = object_side(fields) is Side.NEITHER
            status = Status.IN_SYNC if is_equal else Status.LOCAL
            compared.append(
                ComparedObject(name, status, right.rendered, document=right.document, fields=fields)
            )
    return compared
