"""Policies as a file: exporting, comparing and applying them, and the way back."""
