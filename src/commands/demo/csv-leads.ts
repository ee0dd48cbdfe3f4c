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

// What address books and spreadsheets call a field of the demo's form, beside its own names.
const USUAL_NAMES: Readonly<Record<string, RegExp>> = {
  email: /^((work|business|company|contact|personal|primary|your) )?(e ?)?mail( ?(address|adresse))?( 1)?$/,
  name: /^((full|contact) name|contact|person|(first|last|given|family) ?name|surname)$/,
  company: /^((company|organi[sz]ation|account|business) name|organi[sz]ation|account|business|employer|firm|firma)$/,
  phone: /^((phone|mobile|telephone|work|business) )?(phone|mobile|telephone|telefon|tel)( number)?( 1)?$/,
  occupation: /^((current )?occupation|job|(job )?title|position|job role|role)$/,
  city: /^(town|location city)$/,
  budget: /^((annual|yearly|monthly) )?budget$/,
}

/** Fields that several columns may feed, one after the other: a name is often two. */
const IN_PARTS = new Set(['name'])

/**
 * Matches columns to fields by name: a field's key or label, whatever case, accents and punctuation, else what it is
 * usually called. Without a column for an e-mail address each lead gets one, where a file tells its leads apart.
 */
export function mapColumns(columns: readonly string[], fields: readonly FieldDescription[]): ColumnMapping {
  const byName = new Map(
    fields.flatMap((field) => [[plain(field.label), field] as const, [plain(field.key), field] as const]),
  )
  const longText = fields.find(({ kind }) => kind === 'LONG_TEXT') ?? null
  const email = fields.find(({ kind }) => kind === 'EMAIL')
  const exact = new Map<string, FieldDescription>()
  for (const column of columns) {
    const field = byName.get(plain(column))
    if (field !== undefined && field !== longText && ![...exact.values()].includes(field)) exact.set(column, field)
  }
  const named = new Set(exact.values())
  const taken = new Set(named)
  const mapped = new Map<string, FieldDescription>()
  const rest: string[] = []
  let id: string | null = null
  for (const column of columns) {
    const usual = fields.find(({ key, kind }) => USUAL_NAMES[kind === 'EMAIL' ? 'email' : key]?.test(plain(column)))
    const free = usual !== undefined && !named.has(usual) && (!taken.has(usual) || IN_PARTS.has(usual.key))
    const field = exact.get(column) ?? (free ? usual : undefined)
    if (field !== undefined) mapped.set(column, field)
    else if (id === null && ID_COLUMNS.has(plain(column))) id = column
    else rest.push(column)
    if (field !== undefined) taken.add(field)
  }
  return { id, fields: mapped, rest, longText, madeUp: email === undefined || taken.has(email) ? null : email }
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
    yield { ...leadOf(record, mapping), line: info.lines }
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
      skip_records_with_empty_values: true,
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

function leadOf(row: Row['record'], mapping: ColumnMapping): Lead {
  const given = mapping.id === null ? undefined : row[mapping.id]?.toLowerCase()
  const id = given !== undefined && isUuid(given) ? given : newId()
  const answers: Record<string, unknown> = {}
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
