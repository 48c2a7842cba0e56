"""The league: every synthesizer on the same months, as a draft and after the project's selection and polish.

What fits and draws one model alone and measures it belongs here (``alone``), the scores of drafts and of polished rows
(``draft_scores``, ``polished_scores``), a cell that puts them together (``cell``) and the page (``page``).
No part of `customs run`: `customs league` makes it. How a month is made stands in ``synthesis``, what a model is in
``generator``.
"""
