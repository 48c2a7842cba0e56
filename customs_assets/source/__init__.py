"""Sources: where declarations come from, month by month, and the quarantine of rows that break the form.

``address.source_of`` opens the source that the settings name; ``reading`` says what a source is. ``files`` reads files by month
(``months_of_files``): CSV (``csv_rows``), Parquet (``parquet_rows``), Excel (``workbook_rows`` on ``workbook``, which gives
``workbook_parts`` to openpyxl) and XML (``xml_rows`` on ``xml_stream``), all with ``headers`` and ``limits``. ``postgresql``
reads a table, ``simulated`` the model of ``simulation``. ``judging`` sorts the rows by ``rules``, with the reasons of
``quarantine``. ``labelled`` selects the inspected declarations.
"""
