"""Chapter 1, Introduction."""
