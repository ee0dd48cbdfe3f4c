import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { fold } from '../../platform/lib/fold.ts'
import { isUuid, newId } from '../../platform/lib/ids.ts'
import { StartFault } from '../../platform/lib/start-fault.ts'
import { oneLine } from '../terminal-text.ts'
import type { FieldDescription, Lead } from './lead.ts'

/** Which column feeds which field; the columns of `rest` become `Column: value` lines of the form's long text. */
export interface ColumnMapping {
  readonly id: string | null
  readonly fields: ReadonlyMap<string, FieldDescription>
  readonly rest: readonly string[]
  readonly longText: FieldDescription | null
  /** The field for an e-mail address, where no column feeds it: each lead gets one that is nobody's. */
  readonly madeUp: FieldDescription | null
}

const plain = (name: string): string =>
  fold(name)
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
const ID_COLUMNS = new Set(['id', 'prospect id', 'lead id', 'submission id', 'uuid'])
// What an export writes where nothing was chosen.
const NOT_ANSWERED = new Set(['', 'select'])

// What address books call it.
const EMAIL_COLUMNS = new Set(['email', 'emailaddress', 'mail', 'mailaddress'])

/** Matches columns to fields by name: a field's key or label, whatever case, accents and punctuation; an e-mail by its usual names. */
export function mapColumns(columns: readonly string[], fields: readonly FieldDescription[]): ColumnMapping {
  const byName = new Map(
    fields.flatMap((field) => [[plain(field.label), field] as const, [plain(field.key), field] as const]),
  )
  const longText = fields.find(({ kind }) => kind === 'LONG_TEXT') ?? null
  const email = fields.find(({ kind }) => kind === 'EMAIL')
  const mapped = new Map<string, FieldDescription>()
  const rest: string[] = []
  let id: string | null = null
  for (const column of columns) {
    const field =
      byName.get(plain(column)) ?? (EMAIL_COLUMNS.has(plain(column).replaceAll(' ', '')) ? email : undefined)
    if (field !== undefined && field !== longText && ![...mapped.values()].includes(field)) mapped.set(column, field)
    else if (id === null && ID_COLUMNS.has(plain(column))) id = column
    else rest.push(column)
  }
  const madeUp = email === undefined || [...mapped.values()].includes(email) ? null : email
  return { id, fields: mapped, rest, longText, madeUp }
}

/** The mapping, a line for each column that has a field, and what becomes of the rest. */
export function mappingText({ id, fields, rest, longText, madeUp }: ColumnMapping): string {
  const lines = [...fields].map(([column, field]) => `${column} → ${field.label}`)
  if (id !== null) lines.unshift(`${id} → the submission's id`)
  if (madeUp !== null) lines.push(`no column for “${madeUp.label}” → <id>@leads.example, which is nobody's`)
  if (rest.length > 0 && longText !== null) {
    const others = rest.length === 1 ? '1 other column' : `${rest.length} other columns`
    lines.push(`${others} → lines of “${longText.label}”`)
  }
  return `${lines.map((line) => `  ${oneLine(line)}`).join('\n')}\n\n`
}

const noneFits = (file: string, columns: readonly string[], fields: readonly FieldDescription[]): StartFault =>
  new StartFault(
    `No column of ${file} is a field of the form. It has: ${columns.join(' · ')}`,
    `The form's fields: ${fields.map(({ label }) => label).join(' · ')}`,
  )

/** Reads leads from a CSV file as a stream. `onMapping` is called once, before the first lead. Throws a StartFault. */
export async function* csvLeads(
  file: string,
  fields: readonly FieldDescription[],
  onMapping: (mapping: ColumnMapping) => void,
): AsyncGenerator<Lead> {
  const rows = rowsOf(file)
  const email = fields.find(({ kind }) => kind === 'EMAIL') ?? null
  let mapping: ColumnMapping | undefined
  for await (const { record, info } of rows) {
    if (mapping === undefined) {
      mapping = mapColumns(Object.keys(record), fields)
      if (mapping.fields.size === 0) throw noneFits(file, mapping.rest, fields)
      onMapping(mapping)
    }
    yield { ...leadOf(record, mapping, email), line: info.lines }
  }
  if (mapping === undefined) {
    throw new StartFault(
      `There is no lead in ${file}.`,
      'Its first line names the columns; each line after it is a lead.',
    )
  }
}

const DELIMITERS = [',', ';', '\t']
const FIRST_LINE_BYTES = 64 * 1_024

/** What stands between the names of the columns: spreadsheets of much of Europe write semicolons. */
function delimiterOf(file: string): string {
  const bytes = Buffer.alloc(FIRST_LINE_BYTES)
  const opened = openSync(file, 'r')
  try {
    const [line = ''] = bytes.toString('utf8', 0, readSync(opened, bytes, 0, FIRST_LINE_BYTES, null)).split('\n', 1)
    const count = (delimiter: string): number => line.split(delimiter).length
    return DELIMITERS.reduce((best, each) => (count(each) > count(best) ? each : best))
  } finally {
    closeSync(opened)
  }
}

interface Row {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

async function* rowsOf(file: string): AsyncGenerator<Row> {
  try {
    const delimiter = delimiterOf(file)
    const parser = parse({
      columns: true,
      delimiter,
      bom: true,
      skip_empty_lines: true,
      trim: true,
      relax_column_count: true,
      info: true,
    })
    // Its failure, and that of reading the file, is the parser's.
    pipeline(createReadStream(file), parser, () => {})
    yield* parser as AsyncIterable<Row>
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err)
    const hint =
      err instanceof CsvError
        ? 'Its first line names the columns; a comma, a semicolon or a tab stands between values.'
        : 'Give a file of yours.'
    throw new StartFault(`${file} cannot be read as CSV: ${reason}.`, hint, err)
  }
}

function leadOf(row: Row['record'], mapping: ColumnMapping, email: FieldDescription | null): Lead {
  const given = mapping.id === null ? undefined : row[mapping.id]?.toLowerCase()
  const id = given !== undefined && isUuid(given) ? given : newId()
  const answers: Record<string, unknown> = {}
  for (const [column, field] of mapping.fields) {
    const value = row[column] ?? ''
    if (!NOT_ANSWERED.has(value.toLowerCase())) answers[field.key] = value
  }
  if (email !== null && answers[email.key] === undefined) answers[email.key] = `${id}@leads.example`
  if (mapping.longText !== null) {
    const lines = mapping.rest.flatMap((column) => {
      const value = row[column] ?? ''
      return NOT_ANSWERED.has(value.toLowerCase()) ? [] : [`${column}: ${value}`]
    })
    if (lines.length > 0) answers[mapping.longText.key] = lines.join('\n')
  }
  const label = answers.company ?? answers.name ?? id.slice(0, 8)
  return { id, label: String(label), answers }
}
