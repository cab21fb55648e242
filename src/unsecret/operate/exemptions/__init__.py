"""Exemptions with a term and a reason, which the tenant itself keeps."""
