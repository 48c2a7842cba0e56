-- population_contributions: what each importer has in each cell of the tariff.
--
-- Amounts are added as whole numbers, so that they are the same to the last bit whatever the order of the rows. Rows of nobody are
-- left out: nobody is no importer.
-- Reads:  merged: importer (null for nobody), tuple, declarations, value, mass; cells: tuple, cell.
-- Gives, sorted: cell, importer, declarations, value (KRW), mass (kg).
select
    cell,
    importer,
    sum(declarations)::bigint as declarations,
    sum(round(value * 1e4)::hugeint)::double / 1e4 as value,
    sum(round(mass * 1e9)::hugeint)::double / 1e9 as mass
from merged
join cells using (tuple)
where importer is not null
group by cell, importer
order by cell, importer
