"""Can a fraud detector tell as much from the synthetic declarations as from their source? Section 5 of the paper.

What belongs here trains detectors and measures what they find; whether a precision is good enough is the judgement of
``expectations``, and laying the table out on a page the work of ``report``.
"""
