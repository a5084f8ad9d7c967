"""The register of statements: each boxed claim of the book, tried inside its hypotheses and out."""
