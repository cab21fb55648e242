"""Graph's language: nouns to Graph JSON and back. The only place with camelCase."""
