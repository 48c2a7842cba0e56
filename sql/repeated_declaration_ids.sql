-- The IDs that stand on more than one declaration of a month.
--
-- $raw: path of the month's raw_declarations.
-- Gives:  declaration_id, each once, in order.
select declaration_id
from read_parquet($raw)
where declaration_id is not null
group by declaration_id
having count(*) > 1
order by declaration_id
