"""One file for each kind of encoding, each with the same three verbs: fit, encode, decode.

An encoding turns columns of declarations into columns that a GAN can learn, and back. What knows one kind of column belongs here.
"""
