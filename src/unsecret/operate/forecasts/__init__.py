"""What a policy would refuse, and when each application would lose its last credential."""
