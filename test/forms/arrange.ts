import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFormInput } from '../../src/domains/forms/model.ts'
import { createForm, publishForm } from '../../src/domains/forms/service.ts'
import { SenderBusy } from '../../src/domains/submissions/limits.ts'
import { type SubmitFormInput, type SubmitFormOutcome, submitForm } from '../../src/domains/submissions/service.ts'
import type { Viewer } from '../../src/platform/auth/viewer.ts'
import type { Ctx } from '../../src/platform/context.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { json } from '../../src/platform/db/tables.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { AppError } from '../../src/platform/lib/errors.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { insertWorkspace, systemContext } from '../support/context.ts'
import { runSql } from '../support/sql.ts'

/** What a public form of a test asks unless told otherwise. */
export const FIELDS = [
  { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true },
  { key: 'name', kind: 'TEXT', label: 'Name' },
  { key: 'company', kind: 'TEXT', label: 'Company' },
  { key: 'budget', kind: 'CURRENCY', label: 'Budget', currency: 'EUR' },
  { key: 'message', kind: 'LONG_TEXT', label: 'Message' },
]

export const NO_LIMITS = {
  perAddressPerHour: null,
  perEmailPerHour: null,
  minimumTimeMs: 0,
  duplicateWindowMinutes: 0,
  honeypot: null,
}

/** A workspace of its own in a test database, and short ways to arrange in it. */
export class House {
  readonly db: Database
  readonly url: string
  readonly id: string
  readonly slug: string

  private constructor(db: Database, url: string, id: string) {
    this.db = db
    this.url = url
    this.id = id
    this.slug = `w-${id.slice(-12)}`
  }

  static async open(db: Database, url: string): Promise<House> {
    return new House(db, url, (await insertWorkspace(db)).id)
  }

  ctx(viewer: Viewer = { kind: 'anonymous' }, now?: Date): Ctx {
    const ctx = systemContext(this.db, this.id)
    return { ...ctx, viewer, clock: now === undefined ? ctx.clock : { ...ctx.clock, now: () => now } }
  }

  /** As the system, which may everything. */
  do<Result>(work: (tx: Tx) => Promise<Result>, now?: Date): Promise<Result> {
    return this.db.inTransaction(this.ctx({ kind: 'system' }, now), work)
  }

  async employee(name: string): Promise<string> {
    const id = newId()
    await this.do(async (tx) => {
      const row = { workspaceId: this.id, id, name, nameFolded: name.toLowerCase(), role: 'SDR', title: 'SDR' }
      await tx.sql
        .insertInto('employee')
        .values({ ...row, autonomy: 'AUTONOMOUS' })
        .execute()
      await tx.sql
        .insertInto('employeeVersion')
        .values({ workspaceId: this.id, employeeId: id, version: 1, definition: json({}) })
        .execute()
    })
    return id
  }

  setEmployeeStatus(id: string, status: string): Promise<unknown> {
    return this.do((tx) => tx.sql.updateTable('employee').set({ status }).where('id', '=', id).execute())
  }

  /** A published form, with its limits off unless told. */
  async form(input: Record<string, unknown> = {}): Promise<{ readonly id: string; readonly slug: string }> {
    const slug = `f-${randomUUID().slice(0, 8)}`
    const parsed = parseInput(createFormInput, {
      name: 'Book a demo',
      slug,
      fields: FIELDS,
      ...input,
      limits: { ...NO_LIMITS, ...(input.limits as object | undefined) },
    })
    const id = await this.do(async (tx) => {
      const created = await createForm(tx, parsed)
      await publishForm(tx, { id: created.id })
      return created.id
    })
    return { id, slug: parsed.slug ?? slug }
  }

  /** Sends answers as a stranger does, and again while told that another of theirs is being taken in. */
  async submit(
    form: { readonly id: string },
    answers: unknown,
    more: Partial<SubmitFormInput> = {},
    now?: Date,
  ): Promise<SubmitFormOutcome> {
    const input: SubmitFormInput = { form: { id: form.id }, answers, honeypot: true, origin: {}, ...more }
    for (;;) {
      try {
        return await this.db.inTransaction(this.ctx(undefined, now), (tx) => submitForm(tx, input))
      } catch (err) {
        if (!(err instanceof SenderBusy)) throw err
        await sleep(Math.random() * 20)
      }
    }
  }

  /** Sends answers that must be accepted, and gives back the submission's id. */
  async accept(
    form: { readonly id: string },
    answers: unknown,
    more: Partial<SubmitFormInput> = {},
    now?: Date,
  ): Promise<string> {
    const outcome = await this.submit(form, answers, more, now)
    if (outcome.outcome !== 'ACCEPTED') throw new Error(`not accepted: ${JSON.stringify(outcome)}`)
    return outcome.submissionId
  }

  /** How many rows of this workspace a table holds. */
  async count(table: string): Promise<number> {
    const [row] = await this.rows<{ n: number }>(`select count(*)::int as n from ${table} where workspace_id = $1`)
    return row?.n ?? 0
  }

  /** As the database's owner, past row-level security. `$1` is the workspace. */
  rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return runSql<Row & Record<string, unknown>>(this.url, text, [this.id, ...values])
  }

  /** Types of all events, in order. */
  async eventTypes(): Promise<string[]> {
    const text = 'select type from event_outbox where workspace_id = $1 order by id'
    return (await this.rows<{ type: string }>(text)).map((row) => row.type)
  }
}

export const employeeIds = (...ids: string[]): string[] => ids.map((id) => encodeId('employee', id))

/** The expected failure of something that must fail. */
export async function refusal(work: Promise<unknown>): Promise<AppError> {
  const err = await work.then(
    (result) => new Error(`it was not refused: ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  )
  if (err instanceof AppError) return err
  throw err
}

/** The places and codes of what is wrong with an input that must be refused. */
export const issues = async (work: Promise<unknown>): Promise<string[]> =>
  ((await refusal(work)).details.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.code}`)
