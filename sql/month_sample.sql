-- month_sample: a sample of what is declared in a month, by which months with the same rows are found.
--
-- The sample of $size rows are those with the smallest hashes of their content, without key and date: two months sample alike, so
-- the share of hashes that both have tells how many rows they share (A. Broder 1997, "On the resemblance and containment of
-- documents"). Hashes stay in the lake and name nobody to whoever does not know the whole row.
-- $raw: path of the month's raw_declarations.
-- $attributes: names of the columns that are compared.
-- $size: rows of the sample, at most.
-- Returns: attribute (`sample`), code (the hash), number (how often the content occurs in the month).
with contents as (
    select
        md5_number_lower(
            concat_ws('|', *columns(lambda column_name: list_contains($attributes, column_name)))
        ) as content
    from read_parquet($raw)
)
select 'sample' as attribute, content::varchar as code, count(*)::double as number
from contents
group by content
order by content
limit $size
