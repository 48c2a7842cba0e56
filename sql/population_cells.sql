-- population_cells: how many importers stand behind each cell of the tariff, and how much of it is the largest one's.
--
-- Amounts are added as whole numbers, so that shares are the same to the last bit whatever the order of the rows. A cell without
-- value, or without mass, has shares of 0.
-- Reads:  merged: importer (null for nobody), tuple, declarations, value, mass; cells: tuple, cell.
-- Gives, by cell: importers, declarations, value (KRW), mass (kg), and the shares (0 to 1) of the largest importer and of the two
--         largest, of value and of mass each.
with of_importers as (
    select
        cell,
        importer,
        sum(declarations)::bigint as declarations,
        sum(round(value * 1e4)::hugeint) as value,
        sum(round(mass * 1e9)::hugeint) as mass
    from merged
    join cells using (tuple)
    group by cell, importer
),
of_cells as (
    select
        cell,
        count(importer) as importers,
        sum(declarations)::bigint as declarations,
        sum(value)::double as value,
        sum(mass)::double as mass,
        max(value::double, 2) as largest_values,
        max(mass::double, 2) as largest_masses
    from of_importers
    group by cell
)
-- Of two rounded numbers the sum can be a last digit more than the whole.
select
    cell,
    importers,
    declarations,
    value / 1e4 as value,
    mass / 1e9 as mass,
    if(value > 0, largest_values[1] / value, 0) as largest_value,
    if(value > 0, least(list_sum(largest_values) / value, 1), 0) as two_largest_value,
    if(mass > 0, largest_masses[1] / mass, 0) as largest_mass,
    if(mass > 0, least(list_sum(largest_masses) / mass, 1), 0) as two_largest_mass
from of_cells
order by cell
