// Fills every table that lists read with as many rows as a large installation has, spread over its workspaces.
//
// What a column gets follows from the catalogue (its type, its foreign key, the words of its CHECK), so a new column needs
// no line here; only what a CHECK over several columns asks for is told below. Rows of all workspaces lie mixed, as they do
// where time goes on for everybody, and words are as unevenly frequent as statuses are in life. Nothing is random: every
// value is a hash of the row's number.

import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import type { Tables } from '../../src/platform/db/tables.ts'
import { snakeCase } from '../../src/platform/graphql/filter-comparators.ts'

export const WORKSPACES = 20
const REFERRED = 12

/** The tables that grow with every lead have all the rows, the others a quarter as many. */
const LARGE = new Set(['contact', 'submission', 'deal', 'run'])
const smaller = (rows: number): number => Math.ceil(rows / 4 / WORKSPACES) * WORKSPACES

/** Row `n` belongs to workspace `n % 20`; its id tells its number, and sorts by time as UUIDv7 does. */
const functions = (rows: number) => `
  create function row_id(n bigint) returns uuid language sql immutable parallel safe
    return (lpad(to_hex(1700000000000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid;
  create function share(n bigint, seed int) returns float8 language sql immutable parallel safe
    return (hashint8extended(n, seed) & 1073741823) / 1073741824.0;
  create function pick(n bigint, seed int, words text[]) returns text language sql immutable parallel safe
    return words[1 + least(cardinality(words) - 1, floor(ln(1 - share(n, seed)) / ln(0.25))::int)];
  create function syllable(n bigint, seed int) returns text language sql immutable parallel safe
    return (array['ba','del','fi','gor','hu','jan','ke','lim','mo','nas','pe','quil','ro','sten','tu','vak','wi','xan','yo',
      'zer','ar','ber','cho','dri','elm','fos','gal','hov','ist','jor','kra','lu'])[1 + floor(32 * share(n, seed))::int];
  create function word(n bigint, seed int) returns text language sql immutable parallel safe
    return initcap(syllable(n, seed) || syllable(n, seed + 1)) || ' ' ||
      initcap(syllable(n, seed + 2) || syllable(n, seed + 3) || syllable(n, seed + 4));
  -- What all tables have in common, made once. \`few\` is one of a few rows that others refer to.
  create unlogged table numbered as
    select n, n / ${WORKSPACES} as k, n % ${WORKSPACES} as w, row_id(n) as id, row_id(n % ${WORKSPACES}) as workspace,
           row_id(n / ${WORKSPACES} % ${REFERRED} * ${WORKSPACES} + n % ${WORKSPACES}) as few, word(n, 1) as words
      from generate_series(0::bigint, ${rows - 1}) as n;
  analyze numbered;
`

interface Column {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly hasDefault: boolean
  /** The words of a CHECK on this column. */
  readonly words: readonly string[] | null
  readonly references: string | null
  /** Whether a unique index holds it. */
  readonly unique: boolean
}

/** Of these the other tables refer to a few in each workspace only, however many there are. */
const FEW = new Set(['employee', 'form', 'member', 'pipeline', 'stage', 'handler_group'])

/** Where a CHECK or a key spans several columns. `n` is the row's number, `k` its number in its workspace. */
const TOLD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  workspace: { currency: `'EUR'` },
  member: {
    removed_at: `case when k % 200 = 1 then at + interval '1 day' end`,
    suspended_at: 'null::timestamptz',
    erased_at: 'null::timestamptz',
    email_normalised: `'m' || n || '@example.com'`,
    email: `'m' || n || '@example.com'`,
  },
  api_key: {
    previous_key_hash: 'null::text',
    previous_expires_at: 'null::timestamptz',
    revoked_at: `case when k % 200 = 1 then at + interval '1 day' end`,
    expires_at: `case when k % 3 = 0 then at + interval '400 days' end`,
  },
  employee_version: { employee_id: 'id', version: '1' },
  form_version: { form_id: 'id', number: '1' },
  form: { published_version: '1' },
  goal: {
    comparator: `case when k % 2 = 0 then 'GTE' end`,
    target: `case when k % 2 = 0 then k % 100 end`,
    closed_at: `case when status in ('ACHIEVED', 'MISSED', 'ABANDONED') then at + interval '1 day' end`,
  },
  submission: {
    form_version: '1',
    email_normalised: `'s' || k || '@example.com'`,
    finished_at: `case when status not in ('RECEIVED', 'PROCESSING', 'NEEDS_REVIEW') then at + interval '1 minute' end`,
  },
  invite: {
    accepted_at: 'null::timestamptz',
    accepted_by_member_id: 'null::uuid',
    revoked_at: `case when k % 3 = 0 then at + interval '1 hour' end`,
    email_folded: `'i' || n || '@example.com'`,
    email: `'i' || n || '@example.com'`,
  },
  erasure: {
    status: `'QUEUED'`,
    finished_at: 'null::timestamptz',
    document: 'null::text',
    digest: 'null::text',
    subject_type: `'contact'`,
  },
  contact: {
    erased_at: 'null::timestamptz',
    name: 'case when k % 10 > 0 then words end',
    email_normalised: `lower(syllable(n, 1) || '.' || syllable(n, 3) || k || '@' || syllable(n, 7) || syllable(n, 8)) || '.com'`,
    email: 'email_normalised',
    owner_employee_id: `case when k % 3 = 0 then few end`,
    owner_member_id: `case when k % 30 = 1 then few end`,
  },
  stage: { pipeline_id: `row_id((k / 8) * ${WORKSPACES} + w)`, position: 'k % 8' },
  deal: {
    currency: `case when k % 4 > 0 then (array['EUR', 'EUR', 'EUR', 'USD', 'GBP'])[1 + k % 5] end`,
    amount_micros: 'case when k % 4 > 0 then (1000000 * floor(90000 * share(n, 5)))::bigint end',
    submission_id: 'case when k % 3 > 0 then numbered.id end',
    closed_at: `case when k % 3 = 0 then at + interval '20 days' end`,
    lost_reason: `case when k % 9 = 0 then 'price' end`,
    owner_employee_id: `case when k % 3 = 0 then few end`,
    owner_member_id: `case when k % 30 = 1 then few end`,
  },
  run: {
    employee_version: '1',
    status: `(array['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED', 'WAITING', 'RUNNING', 'QUEUED'])[
      case when k % 50 > 0 then 1 + k % 4 else 5 + (k / 50) % 6 end]`,
    finished_at: `case when status in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED') then at + interval '1 minute' end`,
    reason: `case when status in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED') then 'DONE' end`,
    waiting_kind: `case when status = 'WAITING' then 'APPROVAL' end`,
    waiting_since: `case when status = 'WAITING' then at end`,
    waiting_member_id: `case when status = 'WAITING' then few end`,
    wake_at: 'null::timestamptz',
  },
  run_step: { run_id: `row_id((k / 4) * ${WORKSPACES} + w)`, seq: 'k % 4' },
  approval: {
    run_id: 'numbered.id',
    on_expiry: `'REJECT'`,
    decided_at: `case when status not in ('PENDING', 'EXPIRED', 'STALE') then at + interval '1 hour' end`,
  },
  event_log: {
    position: 'n + 1',
    outbox_id: 'n + 1',
    type: `pick(n, 3, array['run.finished', 'step.finished', 'submission.received', 'contact.created', 'deal.created', 'deal.won'])`,
    subject_type: `'deal'`,
    subject_id: `row_id((k / 10) * ${WORKSPACES} + w)`,
    run_id: `case when k % 2 = 0 then row_id((k / 10) * ${WORKSPACES} + w) end`,
    actor_kind: `case when k % 5 = 0 then 'EMPLOYEE' else 'SYSTEM' end`,
    actor_id: 'case when k % 5 = 0 then few::text end',
    request_id: `'request-' || n`,
    actor: `jsonb_strip_nulls(jsonb_build_object('kind', actor_kind, 'id', actor_id))`,
    origin: `jsonb_build_object('requestId', request_id)`,
    erased_at: 'null::timestamptz',
    erased_by: 'null::bigint',
    chain_version: '2',
    address_salt: 'null::bytea',
    address_digest: 'null::bytea',
    address_erased_by: 'null::bigint',
    salt: `substr(sha256(''), 1, 16)`,
    digest: `sha256('')`,
    hash: `sha256('')`,
  },
}

/** Made before the others and read by their expressions. */
const FIRST = ['status', 'name', 'email_normalised', 'actor_kind', 'actor_id', 'request_id']

function expression(table: string, column: Column, seed: number, rows: number): string | undefined {
  const told = TOLD[table]?.[column.name]
  if (told !== undefined) return told
  const { name, type } = column
  const value = ((): string | undefined => {
    if (name === 'id') return 'numbered.id'
    if (name === 'workspace_id') return 'workspace'
    if (column.words !== null && column.words.length > 0)
      return `pick(n, ${seed}, array[${column.words.map((word) => `'${word}'`).join(', ')}])`
    if (column.references !== null) {
      if (FEW.has(column.references)) return 'few'
      return LARGE.has(table) && !LARGE.has(column.references) ? `row_id(n % ${smaller(rows)})` : 'numbered.id'
    }
    if (name === 'name_folded') return 'lower(name)'
    if (name === 'name' || name === 'title') return 'words'
    if (name === 'created_at') return 'at'
    switch (type) {
      case 'uuid':
        return 'numbered.id'
      case 'text':
        return `'${name}-' || ${column.unique ? 'n' : `floor(1000 * share(n, ${seed}))`}`
      case 'integer':
        return `1 + floor(10 * share(n, ${seed}))::int`
      case 'bigint':
        return `floor(1e9 * share(n, ${seed}))::bigint`
      case 'double precision':
        return `share(n, ${seed})`
      case 'boolean':
        return `share(n, ${seed}) < 0.2`
      case 'timestamp with time zone':
        return `at + interval '3 days' * share(n, ${seed})`
      case 'date':
        return `(at + interval '90 days' * share(n, ${seed}))::date`
      default:
        if (column.hasDefault || column.nullable) return undefined
        if (type === 'jsonb') return `'{}'::jsonb`
        if (type.endsWith('[]')) return `'{}'`
        throw new Error(`${table}.${name}: there is no value for a ${type}`)
    }
  })()
  if (value === undefined || !column.nullable || name.endsWith('_folded')) return value
  return `case when share(n, ${seed + 500}) < 0.8 then ${value} end`
}

async function columnsOf(owner: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await owner.query<Column>(
    `select a.attname as name, format_type(a.atttypid, null) as type, not a.attnotnull as nullable,
            a.atthasdef as "hasDefault",
            (select array(select (regexp_matches(pg_get_constraintdef(c.oid), '''(\\w+)''::text', 'g'))[1])
               from pg_constraint c where c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum]
                and pg_get_constraintdef(c.oid) ~ ('CHECK \\(\\(' || a.attname || ' = ANY') limit 1) as words,
            (select r.relname from pg_constraint c join pg_class r on r.oid = c.confrelid
              where c.conrelid = a.attrelid and c.contype = 'f' and a.attname <> 'workspace_id' and a.attnum = c.conkey[2]
                and cardinality(c.conkey) = 2 limit 1) as references,
            exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and a.attnum = any (i.indkey)) as unique
       from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [table],
  )
  return rows
}

function insertOf(table: string, columns: readonly Column[], rows: number): string {
  const values = columns.flatMap((column, index) => {
    const text = expression(table, column, 11 + 7 * index, rows)
    return text === undefined ? [] : [{ column: column.name, text }]
  })
  const early = values.filter(({ column }) => FIRST.includes(column))
  const late = values.filter(({ column }) => !FIRST.includes(column))
  return `
    insert into "${table}" (${[...early, ...late].map(({ column }) => `"${column}"`).join(', ')})
    select ${[...early.map(({ column }) => `early."${column}"`), ...late.map(({ text }) => text)].join(',\n      ')}
      from numbered
     cross join lateral (select date_trunc('minute', now()) - interval '1 year' * (1 - n / ${rows}::float8) as at) as time
     cross join lateral (select ${['1', ...early.map(({ column, text }) => `${text} as "${column}"`)].join(', ')}) as early
     where n < ${rows}`
}

/** Tables whose rows are needed by others' keys but are not listed. */
const BESIDES = ['employee_version', 'form_version']

/**
 * Fills the tables, as their owner, and leaves them vacuumed and analysed. Keys and indexes are taken away meanwhile: one by
 * one every row would be looked up and sorted in, which takes minutes.
 */
export async function fillTables(url: string, tables: readonly string[], rows: number): Promise<void> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  try {
    await owner.query(`set maintenance_work_mem = '256MB'; set synchronous_commit = off; set jit = off`)
    await owner.query(functions(rows))
    const filled = [...new Set([...tables, ...BESIDES])]
    const all = ['workspace', ...filled]
    const keys = await owner.query<{ relation: string; name: string; definition: string }>(
      `select conrelid::regclass::text as relation, conname as name, pg_get_constraintdef(oid) as definition
         from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
    )
    const indexes = await owner.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
        where indrelid = any ($1::regclass[]) and not indisprimary`,
      [filled],
    )
    const inserts: string[] = []
    for (const table of all) {
      const count = table === 'workspace' ? WORKSPACES : LARGE.has(table) ? rows : smaller(rows)
      inserts.push(insertOf(table, await columnsOf(owner, table), count))
    }
    // Plans rest on one sample throughout: that of the ANALYZE below.
    for (const table of all) await owner.query(`alter table ${table} set (autovacuum_enabled = off)`)
    for (const { relation, name } of keys.rows) await owner.query(`alter table ${relation} drop constraint "${name}"`)
    for (const { name } of indexes.rows) await owner.query(`drop index ${name}`)
    for (const insert of inserts) await owner.query(insert)
    await owner.query('drop table numbered')
    for (const { definition } of indexes.rows) await owner.query(definition)
    // The planner counts on foreign keys; whether the rows keep them is not asked again.
    for (const { relation, name, definition } of keys.rows) {
      await owner.query(`alter table ${relation} add constraint "${name}" ${definition} not valid`)
    }
    for (const table of all) await owner.query(`vacuum (analyze) "${table}"`)
  } finally {
    await owner.end()
  }
}

export interface Sample {
  /** Sixty or more, in the order of the table's key, with camelCase columns. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many the workspace has. */
  readonly count: number
}

/** Rows of the bound workspace, evenly from the first to the last; out of step with what repeats among them. */
export async function sampleOf(tx: Kysely<Tables>, table: string): Promise<Sample> {
  const key = await sql<{ column: string }>`
    select a.attname as column from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indisprimary and i.indrelid = ${snakeCase(table)}::text::regclass order by a.attnum`.execute(tx)
  const order = sql.join(key.rows.map(({ column }) => sql.ref(column)))
  const { rows } = await sql<Record<string, unknown> & { nth: bigint; total: bigint }>`
    select * from (
      select t.*, row_number() over (order by ${order}) as nth, count(*) over () as total from ${sql.table(table)} t
    ) as numbered where nth % (total / 1800 * 30 + 1) = 0`.execute(tx)
  return { rows, count: Number(rows[0]?.total ?? 0) }
}
