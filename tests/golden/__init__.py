"""Jobs with their input and the rows that they must give. See harness.py."""
