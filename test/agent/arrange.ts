import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createModel, type Model } from '../../src/agent/model/model.ts'
import { loadPrices } from '../../src/agent/model/prices.ts'
import { createWorker, type WorkerOptions } from '../../src/agent/runs.ts'
import { createToolRegistry, type ToolRegistry } from '../../src/agent/tools/registry.ts'
import { connectAgent } from '../../src/agent/wiring.ts'
import { createPipeline } from '../../src/domains/deals/service.ts'
import type { Autonomy, EmployeeTool } from '../../src/domains/employees/model.ts'
import { createEmployee } from '../../src/domains/employees/service.ts'
import { createFormInput } from '../../src/domains/forms/model.ts'
import { createForm, publishForm } from '../../src/domains/forms/service.ts'
import { createMailer, type Mailer } from '../../src/domains/mail/mailer.ts'
import { submitForm } from '../../src/domains/submissions/service.ts'
import type { Viewer } from '../../src/platform/auth/viewer.ts'
import type { Ctx } from '../../src/platform/context.ts'
import type { Database } from '../../src/platform/db/database.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import type { SegmentMeans, WorkSegment } from '../../src/platform/durable/segments.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { insertWorkspace, systemContext, testLog } from '../support/context.ts'
import { ownerOf } from '../support/owner.ts'
import type { ApprovalRow, EffectRow, RunRow, StepRow } from './rows.ts'

export const ALL_TOOLS: EmployeeTool[] = [
  'qualify_submission',
  'update_contact',
  'open_deal',
  'send_inbox_message',
  'send_email',
]

export interface OfficeOptions {
  readonly autonomy?: Autonomy
  readonly formAutonomy?: Autonomy
  readonly tools?: EmployeeTool[]
  readonly dailyBudgetMicros?: bigint | null
}

/** A workspace with an employee, a pipeline and a form of its own: all that a lead needs. */
export class Office {
  readonly db: Database
  readonly url: string
  readonly id: string
  readonly memberId: string
  readonly employeeId: string
  readonly formId: string
  readonly mailFolder: string
  readonly registry: ToolRegistry

  private constructor(parts: {
    db: Database
    url: string
    id: string
    memberId: string
    employeeId: string
    formId: string
    mailFolder: string
  }) {
    this.db = parts.db
    this.url = parts.url
    this.id = parts.id
    this.memberId = parts.memberId
    this.employeeId = parts.employeeId
    this.formId = parts.formId
    this.mailFolder = parts.mailFolder
    this.registry = createToolRegistry({
      mailer: createMailer({ folder: parts.mailFolder, defaultFrom: 'cadre@localhost' }),
    })
    connectAgent(this.registry)
  }

  static async open(db: Database, url: string, options: OfficeOptions = {}): Promise<Office> {
    const { id, memberId } = await insertWorkspace(db)
    const mailFolder = await mkdtemp(join(tmpdir(), 'cadre-mail-'))
    const made = await db.inTransaction(systemContext(db, id), async (tx) => {
      if (options.dailyBudgetMicros !== undefined) {
        await tx.sql.updateTable('workspace').set({ dailyBudgetMicros: options.dailyBudgetMicros }).execute()
      }
      const employee = await createEmployee(tx, {
        name: 'Iris',
        role: 'SALES_AE',
        title: 'Account Executive',
        autonomy: options.autonomy ?? 'AUTONOMOUS',
        tools: options.tools ?? ALL_TOOLS,
      })
      const pipeline = await createPipeline(tx, {
        name: 'Sales',
        stages: [
          { name: 'New', kind: 'OPEN', probability: 0.1 },
          { name: 'Won', kind: 'WON', probability: 1 },
          { name: 'Lost', kind: 'LOST', probability: 0 },
        ],
      })
      const form = await createForm(
        tx,
        parseInput(createFormInput, {
          name: 'Book a demo',
          slug: `demo-${randomUUID().slice(0, 8)}`,
          kind: 'SALES',
          autonomy: options.formAutonomy ?? 'AUTONOMOUS',
          pipeline: encodeId('pipeline', pipeline.id),
          handlers: { strategy: 'PRINCIPAL', employees: [encodeId('employee', employee.id)] },
          fields: [
            { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true, contactField: 'EMAIL' },
            { key: 'name', kind: 'TEXT', label: 'Name', contactField: 'NAME' },
            { key: 'company', kind: 'TEXT', label: 'Company' },
            { key: 'budget', kind: 'CURRENCY', label: 'Budget', currency: 'EUR' },
            { key: 'wants_call', kind: 'CHECKBOX', label: 'Please call me' },
            { key: 'message', kind: 'TEXT', label: 'What is it about?' },
          ],
          instructions: 'Judge the lead by its budget. Open a deal when it is worth it.',
          criteria: { conditions: [{ field: 'budget', op: 'GTE', value: 1_000, label: 'A budget of 1,000 or more' }] },
          limits: {
            perAddressPerHour: null,
            perEmailPerHour: null,
            minimumTimeMs: 0,
            duplicateWindowMinutes: 0,
            honeypot: null,
          },
        }),
      )
      await publishForm(tx, { id: form.id })
      return { employeeId: employee.id, formId: form.id }
    })
    return new Office({ db, url, id, memberId, mailFolder, ...made })
  }

  async close(): Promise<void> {
    await rm(this.mailFolder, { recursive: true, force: true })
  }

  ctx(viewer: Viewer = { kind: 'system' }): Ctx {
    return { ...systemContext(this.db, this.id), viewer }
  }

  do<Result>(work: (tx: Tx) => Promise<Result>, viewer?: Viewer): Promise<Result> {
    return this.db.inTransaction(this.ctx(viewer), work)
  }

  /** Somebody who may decide. */
  get ada(): Viewer {
    return {
      kind: 'apiKey',
      keyId: this.memberId,
      memberId: this.memberId,
      name: 'Ada',
      permissions: new Set(['APPROVALS_DECIDE', 'RUNS_WRITE']),
    }
  }

  /** A lead comes in; gives back its run. */
  async lead(
    answers: Record<string, unknown> = {},
  ): Promise<{ readonly submissionId: string; readonly runId: string }> {
    const outcome = await this.do(
      (tx) =>
        submitForm(tx, {
          form: { id: this.formId },
          answers: {
            email: `ada-${randomUUID().slice(0, 8)}@nimbus.example`,
            name: 'Ada Lovelace',
            company: 'Nimbus Labs',
            budget: 18_000,
            ...answers,
          },
          honeypot: false,
          origin: {},
        }),
      { kind: 'anonymous' },
    )
    if (outcome.outcome !== 'ACCEPTED') throw new Error(`not accepted: ${JSON.stringify(outcome)}`)
    const [run] = await this.rows<{ id: string }>('select id from run where workspace_id = $1 and submission_id = $2', [
      outcome.submissionId,
    ])
    if (run === undefined) throw new Error('the lead has no run')
    return { submissionId: outcome.submissionId, runId: run.id }
  }

  /** The tools, with another way for mail to go. */
  registryWith(mailer: Mailer): ToolRegistry {
    return createToolRegistry({ mailer })
  }

  worker(options: Partial<WorkerOptions> = {}): WorkSegment {
    return createWorker({
      db: this.db,
      bell: { ring: () => {} },
      clock: systemClock,
      log: testLog,
      model: rehearsal(),
      prices: loadPrices(),
      registry: this.registry,
      defaultModel: 'claude-sonnet-5-5',
      fallbackModel: null,
      ...options,
    })
  }

  /** Works the run's present segment as one process. */
  async work(runId: string, work: WorkSegment = this.worker(), means: Partial<SegmentMeans> = {}): Promise<void> {
    const { segment } = await this.run(runId)
    await work({ workspaceId: this.id, runId, segment }, { ...process(), ...means })
  }

  async run(runId: string): Promise<RunRow> {
    const [row] = await this.rows<RunRow>('select * from run where workspace_id = $1 and id = $2', [runId])
    if (row === undefined) throw new Error('no such run')
    return row
  }

  steps(runId: string): Promise<StepRow[]> {
    return this.rows('select * from run_step where workspace_id = $1 and run_id = $2 order by seq', [runId])
  }

  effects(runId: string): Promise<EffectRow[]> {
    return this.rows('select * from effect where workspace_id = $1 and run_id = $2 order by seq', [runId])
  }

  approvals(runId: string): Promise<ApprovalRow[]> {
    return this.rows('select * from approval where workspace_id = $1 and run_id = $2 order by turn, call_index', [
      runId,
    ])
  }

  /** As the database's owner, past row-level security. `$1` is the workspace. */
  rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return ownerOf(this.url)
      .query<Row & Record<string, unknown>>(text, [this.id, ...values])
      .then((result) => result.rows)
  }

  async count(table: string, where = 'true', values: unknown[] = []): Promise<number> {
    const [row] = await this.rows<{ n: number }>(
      `select count(*)::int as n from ${table} where workspace_id = $1 and (${where})`,
      values,
    )
    return row?.n ?? 0
  }

  /** Types of a run's events, in order. */
  async eventTypes(runId: string): Promise<string[]> {
    const text = 'select type from event_outbox where workspace_id = $1 and run_id = $2 order by id'
    return (await this.rows<{ type: string }>(text, [runId])).map((row) => row.type)
  }
}

export const rehearsal = (): Model => createModel({ mode: 'rehearsal', timeoutMs: 10_000 })

/** A process that lives: every act outside is allowed. */
export const process = (executorId: string = randomUUID()): SegmentMeans => ({
  executorId,
  signal: new AbortController().signal,
  isOurs: async () => true,
  maySend: async () => true,
})
