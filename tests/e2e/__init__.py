"""weir against real brokers, killed at every turn. See campaign.py."""
