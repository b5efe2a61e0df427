"""The rules of the house, held against the house."""

import pytest

from house import rules


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule, repository):
    assert rule(repository) == []


def test_the_house_is_not_empty(repository):
    """A rule that looks at no file is kept by everyone."""
    assert len(rules.files(repository)) > 30
