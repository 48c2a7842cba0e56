-- month_parties: how many parties there are of each role in a month, and on how many rows the most frequent one stands.
--
-- No name leaves this statement. A row without a party (the empty text) is counted as `none`.
-- $raw: path of the month's raw_declarations.
-- $roles: names of the columns that hold parties.
-- Returns: attribute, code (`distinct`, `largest`, `none`), number.
with parties as (
    unpivot (select columns(lambda column_name: list_contains($roles, column_name)) from read_parquet($raw))
    on coalesce(columns(*), '')
    into name attribute value party
),
counted as (
    select attribute, party, count(*) as declarations
    from parties
    group by attribute, party
)
select
    attribute,
    unnest(['distinct', 'largest', 'none']) as code,
    unnest([
        count(*) filter (party <> ''),
        coalesce(max(declarations) filter (party <> ''), 0),
        coalesce(sum(declarations) filter (party = ''), 0)
    ])::double as number
from counted
group by attribute
order by all
