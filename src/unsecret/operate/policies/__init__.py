"""App management policies as Graph's JSON: reading them, changing one entry and nothing else, whom they bind."""
