-- labelled_declarations: the inspected declarations of one month, cut to the 22 attributes of Table 1.
--
-- A declaration with both labels was inspected. The others (about 95% of a month) are left out. The product code keeps all its
-- digits. The order is the source's.
-- $raw: path of the month's raw_declarations.
select
    declaration_id,
    date,
    office_id,
    process_type,
    import_type,
    import_use,
    payment_type,
    mode_of_transport,
    declarant_id,
    importer_id,
    seller_id,
    courier_id,
    hs10_code,
    country_of_departure,
    country_of_origin,
    tax_rate,
    tax_type,
    country_of_origin_indicator,
    net_mass,
    item_price,
    fraud,
    critical_fraud
from read_parquet($raw)
where fraud is not null and critical_fraud is not null
