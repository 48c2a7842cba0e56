"""Sources: where declarations come from, month by month, and the quarantine of rows that break the form.

``address.source_of`` opens the source that the settings name; ``reading`` says what a source is. ``files`` reads CSV
and Parquet (``csv_rows``, ``parquet_rows``, ``headers``, ``limits``) by month (``months_of_files``), ``postgresql`` a
table, ``simulated`` the model of ``simulation``. ``judging`` sorts the rows by ``rules``, with the reasons of
``quarantine``. ``labelled`` selects the inspected declarations.
"""
