-- month_codes: how often each code, label and day occurs in a month's raw declarations, inspected or not.
--
-- Columns that the month does not have are left out. Empty cells and missing labels count as the code '' (the empty text).
-- $raw: path of the month's raw_declarations.
-- $attributes: names of the columns that are counted.
-- Returns: attribute, code, number (of rows). The day of the month is the attribute `day`.
with codes as (
    unpivot (
        select columns(lambda column_name: list_contains($attributes, column_name))::varchar
        from read_parquet($raw)
    )
    on coalesce(columns(*), '')
    into name attribute value code
)
select attribute, code, count(*)::double as number
from codes
group by attribute, code
union all
select 'day', day(date)::varchar, count(*)::double
from read_parquet($raw)
group by day(date)
union all
select 'rows', '', count(*)::double
from read_parquet($raw)
order by all
