"""CTGAN: learn a table and draw new rows like its own.

This room knows tables, columns and rows, and nothing of customs. It holds the encoding of a table for the networks, the networks,
their training, everything that is drawn at random, and the file that a trained model is kept in.
"""
