-- unit_prices: the average price per kilogram behind every product code of one month of anonymized declarations.
--
-- The average is geometric, exp(avg(ln(price / mass))): prices per kilogram spread over six orders of magnitude, and an
-- arithmetic mean would be the price of the month's one strangest parcel.
-- Each importer has the same weight, so no average is mostly one importer's.
-- A code that fewer than $min_group importers declared takes the average of the longest shorter code (10, 6, 4, 2 digits,
-- then all goods) that enough importers declared.
-- $declarations: path of the month's anonymized_declarations, whose importers are parties and not spellings;
-- $min_group: importers that an average must rest on.
with priced as (
    select hs10_code, importer_id, ln(item_price / net_mass) as log_price
    from read_parquet($declarations)
    where net_mass > 0 and item_price > 0
),
lengths as (
    select unnest([10, 6, 4, 2, 0]) as digits
),
-- Ordered, so that the floating-point sums are the same whatever order the rows are read in.
importers_own as (
    select
        digits,
        left(hs10_code, digits) as category,
        importer_id,
        count(*) as declarations,
        list_avg(list_sort(list(log_price))) as log_price
    from priced
    cross join lengths
    group by all
),
categories as (
    select
        digits,
        category,
        count(*) as importers,
        sum(declarations)::bigint as declarations,
        exp(list_avg(list_sort(list(log_price)))) as average_price
    from importers_own
    group by all
    having count(*) >= $min_group or digits = 0
),
codes as (
    select distinct hs10_code from read_parquet($declarations)
)
select
    codes.hs10_code,
    arg_max(categories.category, categories.digits) as category,
    arg_max(categories.importers, categories.digits) as importers,
    arg_max(categories.declarations, categories.digits) as declarations,
    arg_max(categories.average_price, categories.digits) as average_price
from codes
join categories on left(codes.hs10_code, categories.digits) = categories.category
group by codes.hs10_code
order by codes.hs10_code
