-- postgresql_columns: the columns of a PostgreSQL table or view, in order, with their types (domains resolved).
--
-- Run by the source's server, not by DuckDB. No rows where the role can see no such table.
-- $1: the table's name, quoted as SQL wants it.
with recursive columns as (
    select attnum, attname, atttypid as type
    from pg_catalog.pg_attribute
    where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped
    union all
    select attnum, attname, typbasetype
    from columns
    join pg_catalog.pg_type on pg_type.oid = columns.type
    where typtype = 'd'
)
select attname::text as name, pg_catalog.format_type(columns.type, null) as type
from columns
join pg_catalog.pg_type on pg_type.oid = columns.type
where typtype <> 'd'
order by attnum
