"""Signing people in: pages, sessions, consent, and what is handed out for the token endpoint to take back."""
