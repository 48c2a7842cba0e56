-- How many synthetic rows have the goods of source rows that fewer than k importers declared, and how often chance has it so.
--
-- The goods of a row are all attributes of the form but its key, its date and its four identities. Equality is exact. How many
-- importers declared some goods is counted over the whole source. Chance is what importers of one half repeat of the goods of
-- importers of the other half, who are other parties.
--
-- Reads:  source: the released attributes, the product code of six digits, and held_out, which says of which half the importer is;
--         synthetic: the same attributes; $min_group.
-- Gives:  synthetic_rows, copied; first_rows, first_repeats: rows of the first half, and those whose goods importers of the second
--         half declared; second_rows, second_repeats: the other way round.
with hashed as (
    select
        importer_id,
        held_out,
        hash(
            office_id, process_type, import_type, import_use, payment_type, mode_of_transport, hs6_code, country_of_departure,
            country_of_origin, tax_rate, tax_type, country_of_origin_indicator, net_mass, item_price, fraud, critical_fraud
        ) as goods
    from source
),
rare as (
    select goods, bool_or(not held_out) as of_first, bool_or(held_out) as of_second
    from hashed
    group by goods
    having count(distinct importer_id) < $min_group
),
shown as (
    select
        hash(
            office_id, process_type, import_type, import_use, payment_type, mode_of_transport, hs6_code, country_of_departure,
            country_of_origin, tax_rate, tax_type, country_of_origin_indicator, net_mass, item_price, fraud, critical_fraud
        ) as goods
    from synthetic
),
repeated as (
    select hashed.held_out, coalesce(case when hashed.held_out then rare.of_first else rare.of_second end, false) as repeats
    from hashed
    left join rare using (goods)
)
select
    (select count(*) from shown) as synthetic_rows,
    (select count(*) from shown semi join rare using (goods)) as copied,
    count(*) filter (not held_out) as first_rows,
    count(*) filter (not held_out and repeats) as first_repeats,
    count(*) filter (held_out) as second_rows,
    count(*) filter (held_out and repeats) as second_repeats
from repeated
