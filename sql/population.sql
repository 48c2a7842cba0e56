-- population: what each importer declared in a month by tariff tuple, inspected or not.
--
-- An importer is a party and not a spelling: its names and numbers have one token. The product code has six digits, as in a release.
-- Amounts are added as whole numbers (ten-thousandths of a KRW, millionths of a gram), so that the sums do not depend on the order
-- in which rows are read. Adding zero makes one rate of 0 and -0.
-- Reads:  declared: the month's declarations, importer_id as declared, business_number empty where a row has none;
--         tokens: the token of each importer_id and business_number.
-- Gives, sorted: one row for each importer and tuple, with declarations, value (sum of item_price, KRW), mass (sum of net_mass, kg).
select
    tokens.token as importer_id,
    left(hs10_code, 6) as hs6_code,
    country_of_origin,
    country_of_departure,
    tax_type,
    tax_rate + 0.0 as tax_rate,
    count(*) as declarations,
    sum(round(item_price * 1e4)::bigint)::double / 1e4 as value,
    sum(round(net_mass * 1e9)::bigint)::double / 1e9 as mass
from declared
join tokens using (importer_id, business_number)
group by all
order by all
