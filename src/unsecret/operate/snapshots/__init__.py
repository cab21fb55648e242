"""A tenant in a file: taking it, reading what others exported, and asking its columns."""
