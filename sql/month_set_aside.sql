-- month_set_aside: how many rows of a month were set aside, by reason.
--
-- $quarantine: path of the month's quarantine.
-- Returns: attribute (`set aside`), code (the reason), number (of rows).
select 'set aside' as attribute, reason as code, count(*)::double as number
from read_parquet($quarantine)
group by reason
order by reason
