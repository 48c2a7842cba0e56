"""From inspected declarations to declarations that name nobody: identities to tokens, prices to noisy averages.

Section 4.1 of the paper. What belongs here ends at ``anonymized_declarations`` and ``unit_prices``; generating rows is the
next stage's work.
"""
