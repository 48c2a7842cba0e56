"""What is expected of every artifact, as Great Expectations suites, and how a suite becomes an asset check.

What belongs here judges artifacts and says which rows and values failed. Making or mending them belongs to their stages.
"""
