// The demo workspace: what a newcomer finds at the first start. It is built through the same verbs that people use.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createPipeline } from '../domains/deals/pipelines.ts'
import { createEmployee } from '../domains/employees/service.ts'
import { createForm, publishForm } from '../domains/forms/service.ts'
import { createGoal } from '../domains/goals/service.ts'
import { issueApiKey } from '../domains/keys/service.ts'
import { submitForm } from '../domains/submissions/service.ts'
import { addMember, createWorkspace } from '../domains/workspaces/service.ts'
import { PERMISSIONS } from '../platform/auth/viewer.ts'
import type { Bell, Ctx } from '../platform/context.ts'
import type { Database } from '../platform/db/database.ts'
import type { Tx } from '../platform/db/transaction.ts'
import type { Clock } from '../platform/lib/clock.ts'
import { newId } from '../platform/lib/ids.ts'
import type { Logger } from '../platform/observability/logger.ts'
import { sampleLeads } from './demo/sample-leads.ts'
import { demoForm } from './demo-form.ts'
import { machineTimeZone } from './machine-time-zone.ts'

export const DEMO_SLUG = 'demo'
export const DEMO_OWNER = 'Ada'
export const DEMO_FORM_PATH = `/f/${DEMO_SLUG}/${demoForm.slug}`

export interface SeedOptions {
  readonly db: Database
  readonly dir: string
  /** How many leads a new workspace begins with; they are worked by whoever works runs next. */
  readonly sampleLeads: number
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
}

export interface Seeded {
  /** False when the database had a workspace already: nothing was touched. */
  readonly created: boolean
  /** The demo workspace, or the only one; null when the database has several of somebody's own. */
  readonly workspaceId: string | null
  /** Where the demo's key is; null when the database's workspaces are somebody's own. */
  readonly keyFile: string | null
}

export const demoKeyFile = (dir: string): string => join(dir, 'demo-key')

/** The demo's key as the file holds it. Throws when there is none. */
export const readDemoKey = (dir: string): string => readFileSync(demoKeyFile(dir), 'utf8').trim()

/**
 * Makes the demo workspace when the database has no workspace at all; two processes at once make one. Where the demo
 * workspace is there but this folder has no key to it (a lost folder, a crash between the two), a new key is made. A process
 * that dies while the sample leads are sent leaves a workspace with fewer of them: they are examples, nobody's data.
 */
export async function seedDemo(options: SeedOptions): Promise<Seeded> {
  const { db, dir } = options
  const known = await db.systemSql.selectFrom('workspace').select(['id', 'slug']).limit(2).execute()
  const demo = known.find(({ slug }) => slug === DEMO_SLUG)
  if (known.length > 0 && demo === undefined) {
    return { created: false, keyFile: null, workspaceId: (known.length === 1 ? known[0]?.id : undefined) ?? null }
  }
  const keyFile = demoKeyFile(dir)
  if (demo !== undefined) {
    if (!existsSync(keyFile)) {
      const ctx = seedContext(options, demo.id)
      writeKey(keyFile, await db.inTransaction(ctx, async (tx) => addDemoKey(tx, await firstMember(tx))))
    }
    return { created: false, keyFile, workspaceId: demo.id }
  }
  const ctx = seedContext(options, newId())
  try {
    writeKey(keyFile, await db.inTransaction(ctx, buildDemo))
  } catch (err) {
    // Another process seeded in the meantime; its slug is taken.
    const [theirs] = await db.systemSql.selectFrom('workspace').select('id').where('slug', '=', DEMO_SLUG).execute()
    if (theirs === undefined) throw err
    return { created: false, keyFile, workspaceId: theirs.id }
  }
  await sendSampleLeads(ctx, options.sampleLeads)
  return { created: true, keyFile, workspaceId: ctx.workspaceId }
}

const seedContext = ({ db, bell, clock, log }: SeedOptions, workspaceId: string): Ctx => ({
  viewer: { kind: 'system' },
  workspaceId,
  db,
  bell,
  clock,
  log,
  origin: { requestId: 'seed' },
})

async function buildDemo(tx: Tx): Promise<string> {
  await createWorkspace(tx, {
    slug: DEMO_SLUG,
    name: 'Demo',
    // So that its pages and this terminal tell the same time.
    timeZone: machineTimeZone(),
    currency: 'EUR',
    dailyBudgetMicros: 1_000_000n,
  })
  const ada = await addMember(tx, { name: DEMO_OWNER, email: 'ada@demo.example', role: 'OWNER' })
  const pipeline = await createPipeline(tx, {
    name: 'Sales',
    stages: [
      { name: 'New', kind: 'OPEN', probability: 0.1 },
      { name: 'Qualified', kind: 'OPEN', probability: 0.3 },
      { name: 'Proposal', kind: 'OPEN', probability: 0.6 },
      { name: 'Won', kind: 'WON', probability: 1 },
      { name: 'Lost', kind: 'LOST', probability: 0 },
    ],
  })
  const iris = await createEmployee(tx, {
    name: 'Iris',
    role: 'SDR',
    title: 'Sales Development',
    email: 'iris@demo.example',
    autonomy: 'AUTONOMOUS',
    tools: ['qualify_submission', 'update_contact', 'open_deal', 'send_inbox_message', 'send_email'],
    instructions: 'Answer every lead on the day it comes in. Be brief and friendly, and never promise a price.',
  })
  const marco = await createEmployee(tx, {
    name: 'Marco',
    role: 'SALES_AE',
    title: 'Account Executive',
    email: 'marco@demo.example',
    autonomy: 'SUPERVISED',
    tools: ['qualify_submission', 'update_contact', 'open_deal', 'send_inbox_message', 'send_email'],
    instructions: 'Work the deal until it is won or lost. Ask before anything leaves the house.',
  })
  await createGoal(tx, {
    employee: iris.id,
    title: 'Leads answered within 2 hours',
    kind: 'MAINTAIN',
    priority: 8,
    comparator: 'LTE',
    target: 2,
    unit: 'h',
    window: 'P7D',
  })
  await createGoal(tx, {
    employee: iris.id,
    title: '10 meetings a week',
    kind: 'ACHIEVE',
    priority: 6,
    comparator: 'GTE',
    target: 10,
    unit: 'meetings',
    window: 'P7D',
  })
  await createGoal(tx, {
    employee: marco.id,
    title: 'Pipeline of three times the quota',
    kind: 'MAINTAIN',
    priority: 7,
    comparator: 'GTE',
    target: 3,
    unit: '× quota',
  })
  const form = await createForm(tx, {
    ...demoForm,
    pipeline: pipeline.id,
    handlers: { strategy: 'ROUND_ROBIN', employees: [iris.id, marco.id] },
  })
  await publishForm(tx, { id: form.id })
  return addDemoKey(tx, ada.id)
}

/** Through the form, as strangers: one after the other, so that the log tells of one lead after the other. */
async function sendSampleLeads(ctx: Ctx, count: number): Promise<void> {
  for (const { id, answers } of sampleLeads(count)) {
    await ctx.db.inTransaction({ ...ctx, viewer: { kind: 'anonymous' } }, (tx) =>
      submitForm(tx, { form: { slug: demoForm.slug }, id, answers, honeypot: false, origin: {} }),
    )
  }
}

const firstMember = async (tx: Tx): Promise<string> =>
  (await tx.sql.selectFrom('member').select('id').orderBy('createdAt').limit(1).executeTakeFirstOrThrow()).id

const addDemoKey = async (tx: Tx, memberId: string): Promise<string> =>
  (
    await issueApiKey(tx, {
      memberId,
      name: 'Demo key',
      environment: 'TEST',
      permissions: [...PERMISSIONS],
      expiresAt: null,
    })
  ).key

/** Whole or not at all, and readable by its owner only. */
function writeKey(file: string, key: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${key}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  renameSync(draft, file)
}
