-- How many synthetic rows equal a source row in every attribute of the form but its key and its date.
--
-- Equality is exact: codes as text, numbers to the last bit. Rows are counted with and without their four identities: the release
-- draws identity tokens anew, so nobody could see a difference in identities alone.
--
-- Reads:  source, synthetic: the released attributes, the product code of six digits.
-- Gives:  with_identities, without_identities: synthetic rows that some source row repeats.
with goods as (
    select distinct
        office_id, process_type, import_type, import_use, payment_type, mode_of_transport, hs6_code, country_of_departure,
        country_of_origin, tax_rate, tax_type, country_of_origin_indicator, net_mass, item_price, fraud, critical_fraud
    from source
),
whole as (
    select distinct
        declarant_id, importer_id, seller_id, courier_id,
        office_id, process_type, import_type, import_use, payment_type, mode_of_transport, hs6_code, country_of_departure,
        country_of_origin, tax_rate, tax_type, country_of_origin_indicator, net_mass, item_price, fraud, critical_fraud
    from source
)
select
    (
        select count(*)
        from synthetic
        semi join whole using (
            declarant_id, importer_id, seller_id, courier_id,
            office_id, process_type, import_type, import_use, payment_type, mode_of_transport, hs6_code,
            country_of_departure, country_of_origin, tax_rate, tax_type, country_of_origin_indicator, net_mass, item_price,
            fraud, critical_fraud
        )
    ) as with_identities,
    (
        select count(*)
        from synthetic
        semi join goods using (
            office_id, process_type, import_type, import_use, payment_type, mode_of_transport, hs6_code,
            country_of_departure, country_of_origin, tax_rate, tax_type, country_of_origin_indicator, net_mass, item_price,
            fraud, critical_fraud
        )
    ) as without_identities
