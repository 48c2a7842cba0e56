-- The account of the k rule: how many distinct source importers stand behind what the synthetic rows show.
--
-- It counts what is shown by kind: each code by itself, the tariff tuple as a whole, each relation between two parties or between
-- a party and its goods, each exact number. A value that no source row has was composed; nobody declared it.
--
-- Reads:  source, synthetic: the released attributes, the product code of six digits.
-- $min_group: k.
-- Gives, for each kind: shown (distinct values in the synthetic rows), composed (those that no source row has),
--         smallest_group (importers behind the value that fewest stand behind, of those that the source has),
--         under_k (values behind which 1 to k - 1 importers stand), rows_under_k (synthetic rows that show one of them).
with everything as (
    select 'synthetic' as side, * from synthetic
    union all by name
    select 'source' as side, * from source
),
long as (
    select
        side,
        importer_id,
        unnest([
            {kind: 'tariff tuple', value:
                concat_ws('|', hs6_code, country_of_departure, country_of_origin, tax_rate, tax_type)},
            {kind: 'hs6_code', value: hs6_code},
            {kind: 'country_of_departure', value: country_of_departure},
            {kind: 'country_of_origin', value: country_of_origin},
            {kind: 'tax_rate', value: tax_rate::varchar},
            {kind: 'tax_type', value: tax_type},
            {kind: 'office_id', value: office_id},
            {kind: 'process_type', value: process_type},
            {kind: 'import_type', value: import_type},
            {kind: 'import_use', value: import_use},
            {kind: 'payment_type', value: payment_type},
            {kind: 'mode_of_transport', value: mode_of_transport},
            {kind: 'country_of_origin_indicator', value: country_of_origin_indicator},
            {kind: 'net_mass', value: net_mass::varchar},
            {kind: 'item_price', value: item_price::varchar},
            {kind: 'importer|hs6', value: concat_ws('|', importer_id, hs6_code)},
            {kind: 'importer|seller', value: if(seller_id = '', null, concat_ws('|', importer_id, seller_id))},
            {kind: 'importer|declarant', value: concat_ws('|', importer_id, declarant_id)},
            {kind: 'seller|origin', value: if(seller_id = '', null, concat_ws('|', seller_id, country_of_origin))},
            {kind: 'seller|hs6', value: if(seller_id = '', null, concat_ws('|', seller_id, hs6_code))},
            {kind: 'declarant|office', value: concat_ws('|', declarant_id, office_id)},
            {kind: 'mode|courier', value: if(courier_id = '', null, concat_ws('|', mode_of_transport, courier_id))}
        ], recursive := true)
    from everything
),
groups as (
    select
        kind,
        value,
        count(distinct importer_id) filter (where side = 'source') as importers,
        count(*) filter (where side = 'synthetic') as rows
    from long
    where value is not null
    group by kind, value
    having count(*) filter (where side = 'synthetic') > 0
)
select
    kind,
    count(*) as shown,
    count(*) filter (where importers = 0) as composed,
    coalesce(min(importers) filter (where importers > 0), 0) as smallest_group,
    count(*) filter (where importers between 1 and $min_group - 1) as under_k,
    coalesce(sum(rows) filter (where importers between 1 and $min_group - 1), 0)::bigint as rows_under_k
from groups
group by kind
order by kind
