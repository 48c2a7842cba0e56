-- unit_prices: the average price per kilogram of every category of goods in one month of anonymized declarations.
--
-- The average is geometric, exp(avg(ln(price / mass))): prices per kilogram spread over six orders of magnitude, and an
-- arithmetic mean would be the price of the month's one strangest parcel.
-- Each importer has the same weight, so no average is mostly one importer's.
-- A category is a product code, its first 6, 4 or 2 digits, or all goods (the empty text). It is given where at least $min_group
-- importers declared it; all goods are given in any case. A code has the price of the longest category that it begins with.
-- Reads: declarations: a month's anonymized_declarations, whose importers are parties and not spellings.
-- $min_group: importers that an average must rest on.
with priced as (
    select hs10_code, importer_id, ln(item_price / net_mass) as log_price
    from declarations
    where net_mass > 0 and item_price > 0
),
lengths as (
    select unnest([10, 6, 4, 2, 0]) as digits
),
-- Ordered, so that the floating-point sums are the same whatever order the rows are read in.
importers_own as (
    select
        left(hs10_code, digits) as category,
        importer_id,
        count(*) as declarations,
        list_avg(list_sort(list(log_price))) as log_price
    from priced
    join lengths on digits <= 6 or length(hs10_code) >= digits
    group by all
),
categories as (
    select
        category,
        count(*) as importers,
        sum(declarations)::bigint as declarations,
        exp(list_avg(list_sort(list(log_price)))) as average_price
    from importers_own
    group by category
    having count(*) >= $min_group or category = ''
)
select category, importers, declarations, average_price
from categories
order by category
