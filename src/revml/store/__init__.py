"""The scores database: runs are published whole, read by `current`, rolled back by moving a pointer."""

from revml.store.scores import Store

__all__ = ["Store"]
