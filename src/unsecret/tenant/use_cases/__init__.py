"""What can be done in a tenant. Each use case runs inside one transaction: read → decide → write → record.

Nothing is translated here (that is `wire/`) and nothing is decided here (that is `rules/`).
"""
