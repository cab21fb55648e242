"""The law: values in, Verdict out. No store, no HTTP, no clock; nouns and the standard library only."""
