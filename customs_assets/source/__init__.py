"""Sources: where declarations come from, month by month, and the quarantine of rows that break the form.

``address.source_of`` opens the one that the settings name; ``reading`` says what it is. ``files`` reads CSV and Parquet
(``csv_rows``, ``parquet_rows``, ``headers``) and ``postgresql`` a table; ``judging`` sorts their rows by ``rules``, with the
reasons of ``quarantine``; ``simulation`` makes declarations up. ``labelled`` cuts a month to what was inspected.
"""
