"""From inspected declarations to declarations that name nobody: identities become tokens, prices become noisy averages.

Section 4.1 of the paper. What belongs here builds ``anonymized_declarations`` and ``unit_prices``.
"""
