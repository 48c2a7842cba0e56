"""The law: which tax types and rates a product code may have, and for which routes a tax type may be claimed.

The law is data. It comes from files (``CUSTOMS_TARIFF``, ``CUSTOMS_TARIFF_ROUTES``); the simulated administration brings its
own; without either, the Harmonized System says which product codes there are, and no more is known. What belongs here reads
these tables (``reading``, ``cells``, ``rules``) and answers questions about them (``law``, ``nomenclature``). What is made of
the answers does not.
"""
