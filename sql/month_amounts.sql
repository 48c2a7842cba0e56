-- month_amounts: the distribution of each number of a month: its zeros, its median, and rows by half powers of ten.
--
-- A mistaken unit moves the median, or where only some rows have it, moves rows to other powers of ten.
-- $raw: path of the month's raw_declarations.
-- $numbers: names of the columns that hold numbers.
-- Returns: attribute, code, number. The codes: `zeros` and `positive` count rows, `median` is the median of the positive values,
-- `spread` the natural logarithm of the ratio of their quartiles, and `decade -1.5` … counts the rows from 10^-1.5 up to 10^-1.
with numbers as (
    unpivot (select columns(lambda column_name: list_contains($numbers, column_name)) from read_parquet($raw))
    on columns(*)
    into name attribute value amount
)
select
    attribute,
    unnest(['zeros', 'positive', 'median', 'spread']) as code,
    unnest([
        count(*) filter (amount = 0),
        count(*) filter (amount > 0),
        quantile_disc(amount, 0.5) filter (amount > 0),
        ln(quantile_disc(amount, 0.75) filter (amount > 0) / quantile_disc(amount, 0.25) filter (amount > 0))
    ])::double as number
from numbers
group by attribute
union all
select attribute, 'decade ' || floor(2 * log10(amount)) / 2, count(*)::double
from numbers
where amount > 0
group by all
order by all
