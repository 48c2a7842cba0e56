-- month_routes: from where goods depart that do not depart from their origin, and where such goods come from.
--
-- Origin and departure are mostly the same country, so that exchanging them hardly changes how often each occurs. Where they differ,
-- a few ports of transit stand on the one side.
-- $raw: path of the month's raw_declarations.
-- Returns: attribute (`departure from another country`, `origin in another country`), code (a country), number (of rows).
with apart as (
    select country_of_departure, country_of_origin
    from read_parquet($raw)
    where country_of_departure <> country_of_origin
)
select 'departure from another country' as attribute, country_of_departure as code, count(*)::double as number
from apart
group by country_of_departure
union all
select 'origin in another country', country_of_origin, count(*)::double
from apart
group by country_of_origin
order by all
