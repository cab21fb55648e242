"""A tenant per test: the pytest plugin that comes with the package, and what it is made of."""
