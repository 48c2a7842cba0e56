-- postgresql_session: what a transaction on a PostgreSQL source reads with, until it ends.
--
-- Run by the source's server. A month is streamed by COPY, which takes no parameters; its bounds are bound here and the
-- later statements ask for them by current_setting. Dates, numbers and intervals get the one form that does not depend on
-- the server's settings. Text comes as UTF-8; a database without an encoding hands out its bytes as they are.
-- $1, $2: first day of the month and of the month after. $3: first day of the first month that has not begun.
select
    pg_catalog.set_config('customs.first_day', $1, true),
    pg_catalog.set_config('customs.end_day', $2, true),
    pg_catalog.set_config('customs.unbegun_day', $3, true),
    pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
    pg_catalog.set_config('IntervalStyle', 'iso_8601', true),
    pg_catalog.set_config('extra_float_digits', '1', true),
    pg_catalog.set_config(
        'client_encoding',
        case pg_catalog.current_setting('server_encoding') when 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end,
        true
    )
