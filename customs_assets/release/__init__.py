"""From synthetic months to a folder that may be published: files, new tokens, dictionary, checksums, card.

What belongs here changes no value but the identity tokens. Each gets a new one.
"""
