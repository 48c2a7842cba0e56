"""Sources: where declarations come from, month by month, and the quarantine of rows that break the form.

``address.open_source`` opens one; ``reading`` says what it is. ``files`` reads CSV and Parquet (``csv_rows``,
``parquet_rows``, ``headers``), judged by ``rules`` with the reasons of ``quarantine``; ``simulation`` makes
declarations up. Nothing here knows what becomes of the rows.
"""
