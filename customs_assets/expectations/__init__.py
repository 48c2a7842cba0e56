"""What is expected of every asset, as Great Expectations suites, and how a suite becomes an asset check.

What belongs here judges assets and names the rows and values that failed. It changes none of them.
"""
