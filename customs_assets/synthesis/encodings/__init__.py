"""One file for each kind of encoding, each with the same three verbs: fit, encode, decode.

An encoding turns columns of declarations into columns a GAN can learn, and back. What belongs here knows one kind of
column; the order of columns and the table they form is the codec's.
"""
