"""From an anonymized month to a synthetic one: codec, CTGAN, polish, identities in context.

Section 4.2 and 4.3 of the paper. What belongs here makes rows; judging them is the next stage's work.
"""
