-- population_merged: the months' population as one, each importer and each tariff tuple a number.
--
-- An importer of several months is one importer. Rows of nobody (an empty token) have no number; they are one party, but no importer.
-- Reads:  counted: rows of population, of any months.
-- Makes:  importers: importer_id and its number, from 0 on in the order of the tokens;
--         tuples: the tariff tuples and their numbers, from 0 on in their order;
--         merged: importer, tuple (numbers), declarations, value (KRW), mass (kg), added up over the months.
create temp table importers as
select importer_id, (row_number() over (order by importer_id) - 1)::integer as importer
from (select distinct importer_id from counted where importer_id <> '');

create temp table tuples as
select
    *,
    (row_number() over (order by hs6_code, country_of_origin, country_of_departure, tax_type, tax_rate) - 1)::integer as tuple
from (select distinct hs6_code, country_of_origin, country_of_departure, tax_type, tax_rate from counted);

create temp view merged as
select
    importers.importer,
    tuples.tuple,
    sum(declarations)::bigint as declarations,
    sum(round(value * 1e4)::hugeint)::double / 1e4 as value,
    sum(round(mass * 1e9)::hugeint)::double / 1e9 as mass
from counted
join tuples using (hs6_code, country_of_origin, country_of_departure, tax_type, tax_rate)
left join importers using (importer_id)
group by importers.importer, tuples.tuple;
