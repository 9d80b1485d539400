"""Values to words and plain pictures: no terminal, no app."""
