"""The simulated customs administration: a model of trade with a known truth.

What belongs in this folder is the model: the law (``tariff``), the standing trade (``world``), fraud and inspection (``fraud``),
the drawing of declarations (``month``), names (``names``), and what it is all fitted to (``published_shares``, ``calibration``).
The source that reads it stands in ``source/simulated.py``.
"""
