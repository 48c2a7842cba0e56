-- How many synthetic rows repeat a source row (the paper's equation 5; SDMetrics' NewRowSynthesis counts the others).
--
-- A synthetic row repeats a source row where every categorical value is the same and every numerical value lies within
-- a tolerance of the source's. The tolerance is a share of the synthetic value itself ($of_value: SDMetrics' reading)
-- plus a share of the column's range in the source ($of_range: the reading of the paper's section 3.2, which scales the
-- columns first); the reading that is not asked for is bound to 0. Missing equals missing and nothing else.
--
-- Reads:  source, synthetic: the categorical columns as integer codes that mean the same in both, the missing value
--         among them; the numerical columns as doubles, NULL where missing (a date as days); in synthetic also
--         row_number, which tells its rows apart.
-- Gives:  repeated, the number of synthetic rows that repeat at least one source row.
WITH span AS (
    SELECT
        max(date) - min(date) AS date,
        max(tax_rate) - min(tax_rate) AS tax_rate,
        max(net_mass) - min(net_mass) AS net_mass,
        max(item_price) - min(item_price) AS item_price
    FROM source
),

-- The join is one hash look-up on all the categories; few pairs are left for the tolerances.
same_categories AS (
    SELECT
        synthetic.row_number,
        struct_pack(
            date := source.date, tax_rate := source.tax_rate, net_mass := source.net_mass, item_price := source.item_price
        ) AS theirs,
        struct_pack(
            date := synthetic.date, tax_rate := synthetic.tax_rate, net_mass := synthetic.net_mass,
            item_price := synthetic.item_price
        ) AS ours
    FROM synthetic
    INNER JOIN source USING (
        office_id, process_type, import_type, import_use, payment_type, mode_of_transport, declarant_id, importer_id,
        seller_id, courier_id, hs6_code, country_of_departure, country_of_origin, tax_type, country_of_origin_indicator,
        fraud, critical_fraud
    )
)

SELECT count(DISTINCT row_number) AS repeated
FROM same_categories, span
WHERE
    (
        abs(theirs.date - ours.date) <= $of_value * abs(ours.date) + $of_range * span.date
        OR (theirs.date IS NULL AND ours.date IS NULL)
    )
    AND (
        abs(theirs.tax_rate - ours.tax_rate) <= $of_value * abs(ours.tax_rate) + $of_range * span.tax_rate
        OR (theirs.tax_rate IS NULL AND ours.tax_rate IS NULL)
    )
    AND (
        abs(theirs.net_mass - ours.net_mass) <= $of_value * abs(ours.net_mass) + $of_range * span.net_mass
        OR (theirs.net_mass IS NULL AND ours.net_mass IS NULL)
    )
    AND (
        abs(theirs.item_price - ours.item_price) <= $of_value * abs(ours.item_price) + $of_range * span.item_price
        OR (theirs.item_price IS NULL AND ours.item_price IS NULL)
    )
