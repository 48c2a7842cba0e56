"""What starts runs: jobs, schedules, and the command that makes whatever is missing.

What belongs here decides when and what runs. How an artifact is made stands in its stage's folder.
"""
