"""Shadow models: the synthesis once more, many times, with the most exposed importers in half of the times and out of the others.

Whoever can run the whole pipeline on worlds of their own can learn what the release looks like with and without somebody, and
then look at the release (Stadler et al. 2022). Nobody is easier to tell than whoever stands furthest from all others (Meeus et
al. 2023). What belongs here: ``exposed`` chooses those importers and deals them to the shadows; ``shadow`` makes one shadow and
scores each of them in it; ``likelihood`` makes attacks of the scores; ``measure`` says how often they are right; ``standing``
says whether the result is of what would be published.

This takes long, so nothing of it is a part of `customs run`. `customs deep-attacks` makes it, and `customs publish` asks for it.
"""
