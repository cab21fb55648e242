"""The applications of a snapshot: which there are, what governs them, how they are used and what they risk."""
