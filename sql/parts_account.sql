-- parts_account: what is shown of tariff tuples, counted again.
--
-- It recounts from the population, and from the inspected declarations, what disclosure by parts says of itself. Three things are
-- counted, for each part and level:
--   cells  safe cells of which, after thinning, fewer than $min_group importers are left or one or two dominate value or mass;
--   kept   declarations that keep a part with their product code although no safe cell stands behind it (a departure from the country
--          of origin needs none);
--   pools  declarations that exchanged a part in a pool of fewer than $min_group inspected importers, or of one label, one partner
--          or one price, or that one or two importers dominate;
--   confidential  declarations that show what is confidential at a trader's request: their origin although they kept the product, or
--          their mass.
-- Reads:  population: rows of the months' population; declarations: declaration_id, importer_id, critical_fraud, seller_id, item_price,
--         net_mass, hs10_code, country_of_origin; confidential: confidential_trade; tuples: disclosed_tuples; safe: safe_parts; first_chapters: chapter, the first of each section.
-- $min_group: k; $one, $two: the shares that one importer, and two, stay below (1: any).
-- Gives: part, level, what, counted, wrong.
with levels as (
    select unnest(['hs6_code', 'heading', '2 headings', '4 headings', '8 headings', '16 headings', 'chapter', 'section', 'all goods'])
        as level
),
codes as (
    select distinct hs6_code from population
    union
    select distinct hs6_code from tuples
),
places as (
    select
        hs6_code,
        level,
        case level
            when 'hs6_code' then hs6_code
            when 'heading' then left(hs6_code, 4)
            when 'chapter' then left(hs6_code, 2)
            when 'section' then (
                select count(*)::varchar from first_chapters where first_chapters.chapter <= left(hs6_code, 2)::integer
            )
            when 'all goods' then ''
            else left(hs6_code, 2) || '/' || (substr(hs6_code, 3, 2)::integer // split_part(level, ' ', 1)::integer)::varchar
        end as place
    from codes
    cross join levels
),
cells as (
    select row_number() over () as cell, * from safe where importer_id = ''
),
thinned as (
    select cells.cell, safe.importer_id, safe.share
    from safe
    join cells
        on safe.part = cells.part and safe.level = cells.level and safe.place = cells.place
        and safe.country_of_origin is not distinct from cells.country_of_origin
        and safe.country_of_departure is not distinct from cells.country_of_departure
        and safe.tax_type is not distinct from cells.tax_type
        and safe.tax_rate is not distinct from cells.tax_rate
    where safe.importer_id <> ''
),
behind as (
    select
        cells.cell,
        population.importer_id,
        sum(population.declarations) as declarations,
        sum(population.value) as value,
        sum(population.mass) as mass
    from cells
    join places on cells.level = places.level and cells.place = places.place
    join population
        on population.hs6_code = places.hs6_code
        and (cells.country_of_origin is null or cells.country_of_origin = population.country_of_origin)
        and (cells.country_of_departure is null or cells.country_of_departure = population.country_of_departure)
        and (cells.tax_type is null or cells.tax_type = population.tax_type)
        and (cells.tax_rate is null or cells.tax_rate = population.tax_rate)
    where population.importer_id <> ''
    group by cells.cell, population.importer_id
),
left_of_cells as (
    select
        behind.cell,
        count(*) filter (where coalesce(share, 1) * declarations >= 1) as importers,
        max(coalesce(share, 1) * value, 2) as values,
        sum(coalesce(share, 1) * value) as value,
        max(coalesce(share, 1) * mass, 2) as masses,
        sum(coalesce(share, 1) * mass) as mass
    from behind
    left join thinned using (cell, importer_id)
    group by behind.cell
),
wrong_cells as (
    select cells.part, cells.level, 'cells' as what, count(*) as counted, count(*) filter (where not coalesce(
        left_of_cells.importers >= $min_group
        and (value = 0 or (($one >= 1 or values[1] < $one * value) and ($two >= 1 or list_sum(values) < $two * value)))
        and (mass = 0 or (($one >= 1 or masses[1] < $one * mass) and ($two >= 1 or list_sum(masses) < $two * mass))),
        false
    )) as wrong
    from cells
    left join left_of_cells using (cell)
    group by all
),
shown as (
    select
        unnest([
            {part: 'code', level: code_level, pool: code_pool, origin: null, departure: null, tax_type: null, tax_rate: null},
            {part: 'origin', level: origin_level, pool: origin_pool, origin: country_of_origin, departure: null, tax_type: null, tax_rate: null},
            {part: 'departure', level: departure_level, pool: departure_pool, origin: country_of_origin, departure: country_of_departure, tax_type: null, tax_rate: null},
            {part: 'claim', level: claim_level, pool: claim_pool, origin: country_of_origin, departure: null, tax_type: tax_type, tax_rate: tax_rate}
        ], recursive := true),
        hs6_code,
        of_declaration
    from tuples
),
kept as (
    select shown.part, shown.level, 'kept' as what, count(*) as counted, count(*) filter (
        where cells.cell is null and not (shown.part = 'departure' and shown.departure = shown.origin)
    ) as wrong
    from shown
    left join (select * from cells where level = 'hs6_code') as cells
        on cells.part = shown.part and cells.place = shown.hs6_code
        and cells.country_of_origin is not distinct from shown.origin
        and cells.country_of_departure is not distinct from shown.departure
        and cells.tax_type is not distinct from shown.tax_type
        -- Where the law says what rate belongs to a type, a claim is the type alone.
        and (cells.tax_rate is null or cells.tax_rate = shown.tax_rate)
    where shown.level = 'hs6_code'
    group by all
),
members as (
    select shown.part, shown.pool, declarations.* exclude (hs10_code, country_of_origin)
    from shown
    join declarations on declarations.declaration_id = shown.of_declaration
    where shown.pool <> ''
),
owners as (
    select part, pool, importer_id, sum(item_price) as value, sum(net_mass) as mass
    from members
    group by all
),
dominance as (
    select
        part,
        pool,
        count(*) as importers,
        (
            sum(value) = 0
            or (($one >= 1 or max(value) < $one * sum(value)) and ($two >= 1 or list_sum(max(value, 2)) < $two * sum(value)))
        )
        and (
            sum(mass) = 0
            or (($one >= 1 or max(mass) < $one * sum(mass)) and ($two >= 1 or list_sum(max(mass, 2)) < $two * sum(mass)))
        ) as undominated
    from owners
    group by all
),
pools as (
    select
        part,
        pool,
        count(*) as declarations,
        count(distinct critical_fraud) > 1
        and count(distinct nullif(seller_id, '')) <> 1
        and count(distinct case when net_mass > 0 then item_price / net_mass else item_price end) > 1 as mixed
    from members
    group by all
),
wrong_pools as (
    select
        part,
        split_part(pool, '|', 1) as level,
        'pools' as what,
        sum(declarations)::bigint as counted,
        coalesce(sum(declarations) filter (where not (importers >= $min_group and undominated and mixed)), 0)::bigint as wrong
    from pools
    join dominance using (part, pool)
    group by all
),
withheld as (
    select
        confidential.partner and drawn.code_level = 'hs6_code' and (drawn.origin_level = 'hs6_code' or drawn.origin_pool <> '')
            as origin_shown,
        confidential.quantity <> '' and declarations.net_mass > 0
            and coalesce(tuples.net_mass, 'nan'::double) = 'nan'::double as mass_shown
    from declarations
    join tuples using (declaration_id)
    -- The tuple that was drawn for a declaration may be shown in another month.
    join tuples as drawn on drawn.of_declaration = declarations.declaration_id
    join confidential
        on confidential.hs6_code = left(declarations.hs10_code, 6)
        and confidential.country_of_origin = declarations.country_of_origin
),
wrong_confidential as (
    select 'origin' as part, '' as level, 'confidential' as what, count(*) as counted, count(*) filter (where origin_shown) as wrong
    from withheld
    union all
    select 'mass' as part, '' as level, 'confidential' as what, count(*) as counted, count(*) filter (where mass_shown) as wrong
    from withheld
)
from wrong_cells
union all by name
from (from wrong_confidential where counted > 0)
union all by name
from kept
union all by name
from wrong_pools
order by part, level, what
