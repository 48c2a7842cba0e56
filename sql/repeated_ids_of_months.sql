-- The declaration IDs that stand in more than one month.
--
-- $paths: paths of the months' anonymized_declarations.
-- Gives:  declaration_id and the path of a month that has it, a row for each.
select distinct declaration_id, filename as path
from read_parquet($paths, filename = true)
where declaration_id in (
    select declaration_id
    from read_parquet($paths, filename = true)
    group by declaration_id
    having count(distinct filename) > 1
)
