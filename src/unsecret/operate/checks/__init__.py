"""Whether a tenant meets a profile: findings, each with its proof and the command that mends it."""
