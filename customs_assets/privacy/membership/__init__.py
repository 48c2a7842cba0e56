"""Membership inference: can somebody who has a real declaration tell whether the synthesizer saw it?

Rows of the training half and as many of the control half are attacked. Each attack gives each of them a score; a higher score
says "member". What belongs here: ``scene`` is what an attacker has, with the work that attacks share; an attack a module;
``attacks`` is the one list of them; ``permutation`` says what chance alone reaches; ``measure`` puts it together.

All attacks but ``informed`` are an outsider's. They know the release, and some of them a sample of real declarations of others.
"""
