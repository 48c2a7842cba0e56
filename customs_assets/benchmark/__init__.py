"""Can a fraud detector learn as much from the synthetic declarations as from their source? Section 5 of the paper.

What belongs here trains detectors, measures what they find, and says which claims follow. Judging a claim is the work of
``expectations``, laying the table out on a page that of ``report``.
"""
