"""CTGAN on any table of columns: it knows tables, not customs."""
