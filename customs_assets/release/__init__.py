"""From synthetic months to a folder that may be published: files, tokens drawn anew, dictionary, checksums, card.

What belongs here changes no value but the identity tokens, each of which gets a new one.
"""
