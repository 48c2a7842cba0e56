-- month_prices: the price per kilogram of a month's declarations, over all goods, by chapter, and by office.
--
-- By office it is told relative to the median of the chapter, so that offices of dear goods are like those of cheap ones.
-- $raw: path of the month's raw_declarations.
-- $office: name of the column that says where a declaration was received, or one that is the same in all rows.
-- Returns: attribute, code, number. Of `price_per_kilogram` the codes are those of month_amounts; of `price of chapter` and
-- `price of office` the code is the chapter or office, the number the median; `priced in chapter` and `priced in office` count rows.
with priced as (
    select
        item_price / net_mass as price,
        left(hs10_code, 2) as chapter,
        columns(lambda column_name: column_name = $office)::varchar as office
    from read_parquet($raw)
    where item_price > 0 and net_mass > 0
),
chapters as (
    select chapter, quantile_disc(price, 0.5) as price, count(*) as priced
    from priced
    group by chapter
),
offices as (
    select office, quantile_disc(priced.price / chapters.price, 0.5) as price, count(*) as priced
    from priced
    join chapters using (chapter)
    group by office
)
select
    'price_per_kilogram' as attribute,
    unnest(['positive', 'median', 'spread']) as code,
    unnest([
        count(*),
        quantile_disc(price, 0.5),
        ln(quantile_disc(price, 0.75) / quantile_disc(price, 0.25))
    ])::double as number
from priced
union all
select 'price_per_kilogram', 'decade ' || floor(2 * log10(price)) / 2, count(*)::double
from priced
group by all
union all
select 'price of chapter', chapter, price from chapters
union all
select 'priced in chapter', chapter, priced from chapters
union all
select 'price of office', office, price from offices
union all
select 'priced in office', office, priced from offices
order by all
