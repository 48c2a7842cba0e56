-- safe_groups: what may be shown as it is, because at least $min_group distinct importers declared it over all the months at hand.
--
-- It counts tariff tuples (product code of 6 digits) with net mass and label, net masses by themselves, prices per kilogram of a
-- product code (to four significant digits, which is what is shown), and each code of the form that is in no tuple (kind is the
-- column's name, code the code).
-- Only safe groups are kept, so the table says nothing of others.
-- $anonymized: list of the months' anonymized_declarations; $min_group: distinct importers that a group must rest on; $kinds: the
-- kinds that the form in force has.
with declared as (
    select
        importer_id,
        office_id,
        process_type,
        import_type,
        import_use,
        payment_type,
        mode_of_transport,
        country_of_origin_indicator,
        left(hs10_code, 6) as hs6_code,
        country_of_departure,
        country_of_origin,
        tax_rate,
        tax_type,
        net_mass,
        critical_fraud as label,
        case when net_mass > 0 and item_price > 0 then format('{:.3e}', item_price / net_mass) end as written_unit_price
    from read_parquet($anonymized)
),
grouped as (
    select
        case grouping(hs6_code, country_of_departure, net_mass, written_unit_price)
            when 1 then 'goods'
            when 13 then 'mass'
            when 6 then 'unit price'
        end as kind,
        hs6_code,
        country_of_departure,
        country_of_origin,
        tax_rate,
        tax_type,
        net_mass,
        label,
        written_unit_price,
        written_unit_price::double as unit_price,
        count(distinct importer_id) as importers,
        count(*) as declarations
    from declared
    group by grouping sets (
        (hs6_code, country_of_departure, country_of_origin, tax_rate, tax_type, net_mass, label),
        (net_mass),
        (hs6_code, written_unit_price)
    )
),
codes as (
    select kind, code, count(distinct importer_id) as importers, count(*) as declarations
    from declared
    unpivot (
        code for kind in (
            office_id, process_type, import_type, import_use, payment_type, mode_of_transport, country_of_origin_indicator
        )
    )
    group by all
),
everything as (
    select * from grouped
    union all by name
    select * from codes
)
select *
from everything
where importers >= $min_group and list_contains($kinds, kind) and (kind <> 'unit price' or written_unit_price is not null)
order by
    kind, hs6_code, country_of_departure, country_of_origin, tax_rate, tax_type, net_mass, label, written_unit_price, code
