import { filesIn } from '../support/mail-folder.ts'
import { runSql } from '../support/sql.ts'

/** Every column there is that can hold text, of every table: what is added later is looked at by itself. */
const COLUMNS = `
  select format('%I.%I', c.table_schema, c.table_name) as place, quote_ident(c.column_name) as column_name, c.data_type as type
    from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
   where c.table_schema not in ('pg_catalog', 'information_schema') and t.table_type = 'BASE TABLE'
     and c.data_type in ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY', 'name', 'xml')
   order by 1, 2`

/** In which columns of which tables each text stands, case apart; in mails as `mail`. As the owner. */
export async function searchEverywhere(
  url: string,
  mailFolder: string,
  texts: readonly string[],
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = Object.fromEntries(texts.map((text) => [text, []]))
  const columns = await runSql<{ place: string; column_name: string; type: string }>(url, COLUMNS)
  const looks = columns.map(({ place, column_name: column, type }) => {
    const text = type === 'bytea' ? `encode(${column}, 'escape')` : `${column}::text`
    return `select '${place.replace('public.', '')}.${column}' as place, wanted.text
              from unnest($1::text[]) as wanted(text)
             where exists (select from ${place} where strpos(lower(${text}), lower(wanted.text)) > 0)`
  })
  const hits = await runSql<{ place: string; text: string }>(url, looks.join(' union all '), [texts])
  for (const hit of hits) found[hit.text]?.push(hit.place)
  for (const { mail } of filesIn(mailFolder)) {
    for (const text of texts) if (mail.toLowerCase().includes(text.toLowerCase())) found[text]?.push('mail')
  }
  return found
}
