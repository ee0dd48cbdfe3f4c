import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
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
  /** The field for an e-mail address, where no column feeds it: each lead gets one of its id that is nobody's. */
  readonly madeUp: FieldDescription | null
}

const plain = (name: string): string =>
  fold(name)
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
const ID_COLUMNS = new Set(['id', 'prospect id', 'lead id', 'submission id', 'uuid'])
// What an export writes where nothing was chosen.
const NOT_ANSWERED = new Set(['', 'select'])

// What address books and spreadsheets call a field of the demo's form, beside its own names; the likeliest first.
const USUAL_NAMES: Readonly<Record<string, readonly RegExp[]>> = {
  email: [/^((work|business|company|contact|personal|primary|your) )?(e ?)?mail( ?(address|adresse))?( 1)?$/],
  name: [/^(full|contact) name$/, /^(contact|person)$/],
  company: [
    /^(company|organi[sz]ation|account|business) name$/,
    /^(organi[sz]ation|account|business|employer|firm|firma)$/,
  ],
  phone: [/^((work|business) )?(tele)?phone( number)?( 1)?$/, /^(telefon|tel|(mobile|cell)( phone)?( number)?)$/],
  occupation: [/^(current )?occupation$/, /^job ?(title|role)$/, /^(position|job|role|beruf)$/, /^title$/],
  city: [/^(town|location city|stadt|ort)$/],
  budget: [/^(annual|yearly) budget$/],
}
// A name is often two columns: these two, in this order.
const NAME_PARTS = [/^(first|given) ?name$|^vorname$/, /^(last|family) ?name$|^(surname|nachname)$/]

/**
 * Matches columns to fields by name: a field's key or label, whatever case, accents and punctuation, else what it is
 * usually called. Without a column for an e-mail address each lead gets one, where a file tells its leads apart.
 */
export function mapColumns(columns: readonly string[], fields: readonly FieldDescription[]): ColumnMapping {
  const longText = fields.find(({ kind }) => kind === 'LONG_TEXT') ?? null
  const mapped = new Map<string, FieldDescription>()
  const first = (pattern: RegExp | ((name: string) => boolean)): string | undefined =>
    columns.find((column) => {
      const name = plain(column)
      return !mapped.has(column) && (typeof pattern === 'function' ? pattern(name) : pattern.test(name))
    })
  const wanted = fields.filter((field) => field !== longText)
  const missing = wanted.filter((field) => {
    const column = first((name) => name === plain(field.label) || name === plain(field.key))
    if (column !== undefined) mapped.set(column, field)
    return column === undefined
  })
  for (const field of missing) {
    const names = USUAL_NAMES[field.kind === 'EMAIL' ? 'email' : field.key] ?? []
    const column = names.map(first).find((found) => found !== undefined)
    const parts = column === undefined && field.key === 'name' ? NAME_PARTS.map(first) : [column]
    for (const part of parts) if (part !== undefined) mapped.set(part, field)
  }
  const id = first((name) => ID_COLUMNS.has(name)) ?? null
  const rest = columns.filter((column) => column !== id && !mapped.has(column))
  const email = fields.find(({ kind }) => kind === 'EMAIL')
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

/** Why a file with this mapping is not sent; undefined when it is. */
function unfit(file: string, mapping: ColumnMapping, columns: readonly string[], fields: readonly FieldDescription[]) {
  const has = `It has: ${columns.join(' · ')}`
  if (mapping.fields.size === 0) {
    const known = fields.map(({ label }) => label).join(' · ')
    return new StartFault(`No column of ${file} is a field of the form. ${has}`, `The form's fields: ${known}`)
  }
  if (mapping.madeUp === null || mapping.id !== null) return undefined
  const { label } = mapping.madeUp
  return new StartFault(
    `No column of ${file} is the form's “${label}”. ${has}`,
    `Call one “${label}”. Or give each lead an id in a column “ID”: then it gets <id>@leads.example, which is nobody's.`,
  )
}

/** Reads leads from a CSV file as a stream. `onMapping` is called once, before the first lead. Throws a StartFault. */
export async function* csvLeads(
  file: string,
  fields: readonly FieldDescription[],
  onMapping: (mapping: ColumnMapping) => void,
): AsyncGenerator<Lead> {
  const rows = rowsOf(file)
  let mapping: ColumnMapping | undefined
  for await (const { record, info } of rows) {
    if (mapping === undefined) {
      const columns = Object.keys(record)
      mapping = mapColumns(columns, fields)
      const fault = unfit(file, mapping, columns, fields)
      if (fault !== undefined) throw fault
      onMapping(mapping)
    }
    yield { ...leadOf(file, record, mapping), line: info.lines }
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

/** The file's text: UTF-8, or what spreadsheets write where it is none. */
async function* textOf(file: string): AsyncGenerator<string> {
  const decode = async function* (decoder: TextDecoder) {
    for await (const bytes of createReadStream(file)) yield decoder.decode(bytes as Buffer, { stream: true })
    yield decoder.decode()
  }
  try {
    for await (const _ of decode(new TextDecoder('utf-8', { fatal: true })));
  } catch (err) {
    if (!(err instanceof TypeError)) throw err
    return yield* decode(new TextDecoder('windows-1252'))
  }
  yield* decode(new TextDecoder())
}

async function* rowsOf(file: string): AsyncGenerator<Row> {
  try {
    const delimiter = delimiterOf(file)
    const parser = parse({
      columns: true,
      delimiter,
      bom: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
      relax_column_count: true,
      info: true,
    })
    // Its failure, and that of reading the file, is the parser's.
    pipeline(textOf(file), parser, () => {})
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

/** The lead's own id where it is a UUID; else one made of it, the same each time, where it is all that there is. */
function idOf(file: string, row: Row['record'], { id: column, madeUp }: ColumnMapping): string {
  const given = column === null ? '' : (row[column] ?? '').toLowerCase()
  if (isUuid(given)) return given
  if (madeUp === null || given === '') return newId()
  const digest = createHash('sha256')
    .update(`${basename(file)}\n${given}`)
    .digest()
  // Version 8, "of one's own making": RFC 9562, section 5.8.
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

function leadOf(file: string, row: Row['record'], mapping: ColumnMapping): Lead {
  const id = idOf(file, row, mapping)
  const answers: Record<string, unknown> = {}
  // In the order in which they were mapped: a first name stands before the last.
  for (const [column, field] of mapping.fields) {
    const value = row[column] ?? ''
    if (NOT_ANSWERED.has(value.toLowerCase())) continue
    const before = answers[field.key]
    answers[field.key] = before === undefined ? value : `${before} ${value}`
  }
  if (mapping.madeUp !== null) answers[mapping.madeUp.key] = `${id}@leads.example`
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
