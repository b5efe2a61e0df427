"""The order of the files, for runs in several processes."""

import pytest

LONGEST_FIRST = ["test_mutants", "test_cluster", "test_opensearch", "test_kills", "test_s3_store", "test_bad_input",
                 "test_three_brokers", "test_recovery", "test_connectors", "test_rights"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, so that none of them is left over in the end."""
    def place(item: pytest.Item) -> int:
        name = item.path.stem
        return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)
