"""Nouns: frozen values that every wing shares. Standard library and msgspec only; no clock, no I/O."""
