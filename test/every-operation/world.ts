// A workspace with at least one of everything, in the states that things can be in, so that every mutation finds a thing
// that it may be done to. Its texts carry the name of the workspace: one that turns up elsewhere is a leak.

import { createModel } from '../../src/agent/model/model.ts'
import { loadPrices } from '../../src/agent/model/prices.ts'
import { createWorker } from '../../src/agent/runs.ts'
import type { ToolRegistry } from '../../src/agent/tools/registry.ts'
import { createContact } from '../../src/domains/contacts/service.ts'
import { createDeal, createPipeline, moveDeal } from '../../src/domains/deals/service.ts'
import { EMPLOYEE_TOOLS } from '../../src/domains/employees/model.ts'
import { createEmployee, offboardEmployee, pauseEmployee } from '../../src/domains/employees/service.ts'
import { eraseContact } from '../../src/domains/erasures/service.ts'
import { createFormInput } from '../../src/domains/forms/model.ts'
import { archiveForm, createForm, pauseForm, publishForm } from '../../src/domains/forms/service.ts'
import { achieveGoal, blockGoal, createGoal } from '../../src/domains/goals/service.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { connectMailServer } from '../../src/domains/mail/servers.ts'
import { submitForm } from '../../src/domains/submissions/service.ts'
import { inviteMember } from '../../src/domains/workspaces/invites.ts'
import { addMember, createWorkspace } from '../../src/domains/workspaces/service.ts'
import { hashSecret } from '../../src/platform/auth/secret-token.ts'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import type { Ctx } from '../../src/platform/context.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { testLog } from '../support/context.ts'
import { inviteTokenOf } from './values.ts'

const NO_LIMITS = {
  perAddressPerHour: null,
  perEmailPerHour: null,
  minimumTimeMs: 0,
  duplicateWindowMinutes: 60,
  honeypot: null,
}

/** Builds the workspace that the context is bound to, and gives back its first member. */
export async function buildWorld(ctx: Ctx, mark: string, registry: ToolRegistry): Promise<{ memberId: string }> {
  const { db } = ctx
  const low = mark.toLowerCase()
  const made = await db.inTransaction(ctx, (tx) => buildHouse(tx, mark))
  const send = async (form: string, who: string) => {
    const answers = {
      email: `${who}@${low}.example`,
      name: `${mark} Visitor`,
      company: `${mark} Labs`,
      budget: 18_000,
      wants_call: true,
    }
    await db.inTransaction({ ...ctx, viewer: { kind: 'anonymous' } }, (tx) =>
      submitForm(tx, {
        form: { slug: form },
        answers,
        honeypot: false,
        origin: { referrer: `https://${low}.example/` },
      }),
    )
  }
  await send(`${low}-worked`, 'worked')
  await send(`${low}-asking`, 'asking')
  await send(`${low}-asking`, 'also-asking')
  await workAll(ctx, registry)
  // Only now: what was worked has sent its mail into the folder.
  await db.inTransaction(ctx, (tx) =>
    connectMailServer(tx, {
      host: `smtp.${low}.example`,
      port: 465,
      security: 'TLS',
      username: `mail-of-${low}`,
      password: `password of ${mark}`,
      from: `hello@${low}.example`,
    }),
  )
  await send(`${low}-worked`, 'waiting')
  // The same once more is turned away, and noted.
  await send(`${low}-worked`, 'waiting')
  return made
}

async function buildHouse(tx: Tx, mark: string): Promise<{ memberId: string }> {
  const low = mark.toLowerCase()
  await createWorkspace(tx, {
    slug: low,
    name: `${mark} Ltd`,
    timeZone: 'UTC',
    currency: 'EUR',
    dailyBudgetMicros: 5_000_000n,
  })
  const ada = await addMember(tx, { name: `${mark} Ada`, email: `ada@${low}.example`, role: 'OWNER' })
  await addMember(tx, { name: `${mark} Bob`, email: `bob@${low}.example`, role: 'MEMBER' })
  const pipeline = await createPipeline(tx, {
    name: `${mark} sales`,
    stages: [
      { name: `${mark} new`, kind: 'OPEN', probability: 0.1 },
      { name: `${mark} next`, kind: 'OPEN', probability: 0.5 },
      { name: `${mark} won`, kind: 'WON', probability: 1 },
      { name: `${mark} lost`, kind: 'LOST', probability: 0 },
    ],
  })
  const employees = await hire(tx, mark)
  await setGoals(tx, mark, employees.working)
  await makeForms(tx, mark, pipeline.id, employees)
  await makeDeals(tx, mark, pipeline.stageIds, employees.working)
  // To be rotated and revoked; the first ones, so that they are tried before those that the tests themselves use.
  for (const name of ['spare', 'second spare', 'third spare']) {
    await issueApiKey(tx, {
      memberId: ada.id,
      name: `${mark} ${name}`,
      permissions: [...PERMISSIONS],
      environment: 'TEST',
      expiresAt: null,
    })
  }
  await invitePeople(tx, mark)
  return { memberId: ada.id }
}

/** Guests, of whom the first one's token is known. */
async function invitePeople(tx: Tx, mark: string): Promise<void> {
  for (const who of ['guest', 'second-guest', 'third-guest']) {
    const { id } = await inviteMember(tx, { email: `${who}@${mark.toLowerCase()}.example`, role: 'MEMBER' })
    if (who !== 'guest') continue
    const tokenHash = hashSecret(inviteTokenOf(mark))
    await tx.sql.updateTable('invite').set({ tokenHash }).where('id', '=', id).execute()
  }
}

interface Employees {
  readonly working: string
  readonly asking: string
}

async function hire(tx: Tx, mark: string): Promise<Employees> {
  const low = mark.toLowerCase()
  const make = async (name: string, autonomy: 'AUTONOMOUS' | 'SUPERVISED') =>
    (
      await createEmployee(tx, {
        name: `${mark} ${name}`,
        role: 'SDR',
        title: `${mark} development`,
        email: `${name.toLowerCase()}@${low}.example`,
        autonomy,
        tools: [...EMPLOYEE_TOOLS],
        instructions: `Never tell anybody of ${mark}.`,
        model: `${low}-model`,
      })
    ).id
  const employees = { working: await make('Iris', 'AUTONOMOUS'), asking: await make('Marco', 'SUPERVISED') }
  await pauseEmployee(tx, { id: await make('Pia', 'SUPERVISED') })
  await offboardEmployee(tx, { id: await make('Otto', 'SUPERVISED') })
  return employees
}

async function setGoals(tx: Tx, mark: string, employee: string): Promise<void> {
  const measure = { comparator: 'GTE', target: 10, unit: `${mark} units`, window: 'P7D' } as const
  const make = async (title: string, kind: 'ACHIEVE' | 'MAINTAIN', measured = true) =>
    (
      await createGoal(tx, {
        employee,
        title: `${mark} ${title}`,
        description: `What ${mark} is after`,
        kind,
        ...(measured ? measure : {}),
      })
    ).id
  await make('reach', 'ACHIEVE')
  await make('keep', 'MAINTAIN')
  await make('wish', 'ACHIEVE', false)
  await blockGoal(tx, { id: await make('blocked', 'ACHIEVE'), reason: `${mark} is closed` })
  await achieveGoal(tx, { id: await make('done', 'ACHIEVE') })
}

async function makeForms(tx: Tx, mark: string, pipelineId: string, employees: Employees): Promise<void> {
  const low = mark.toLowerCase()
  const make = async (name: string, employeeId: string) => {
    const input = parseInput(createFormInput, {
      name: `${mark} ${name}`,
      slug: `${low}-${name}`,
      kind: 'SALES',
      autonomy: 'AUTONOMOUS',
      pipeline: encodeId('pipeline', pipelineId),
      handlers: { strategy: 'PRINCIPAL', employees: [encodeId('employee', employeeId)] },
      fields: [
        { key: 'email', kind: 'EMAIL', label: `${mark} e-mail`, required: true, contactField: 'EMAIL' },
        { key: 'name', kind: 'TEXT', label: `${mark} name`, contactField: 'NAME' },
        { key: 'company', kind: 'TEXT', label: `${mark} company` },
        { key: 'budget', kind: 'CURRENCY', label: `${mark} budget`, currency: 'EUR' },
        { key: 'wants_call', kind: 'CHECKBOX', label: `${mark} may call` },
      ],
      instructions: `Judge leads of ${mark} by their budget.`,
      criteria: { conditions: [{ field: 'budget', op: 'GTE', value: 1_000, label: `${mark} budget` }] },
      limits: NO_LIMITS,
    })
    return (await createForm(tx, input)).id
  }
  const published = async (name: string, employeeId: string) => {
    const id = await make(name, employeeId)
    await publishForm(tx, { id })
    return id
  }
  await published('worked', employees.working)
  await published('asking', employees.asking)
  await pauseForm(tx, { id: await published('paused', employees.working) })
  await archiveForm(tx, { id: await published('archived', employees.working) })
  await make('draft', employees.working)
}

async function makeDeals(tx: Tx, mark: string, stages: readonly string[], employeeId: string): Promise<void> {
  const low = mark.toLowerCase()
  const [open = '', , won = '', lost = ''] = stages
  const owner = { employeeId }
  const contact = await createContact(tx, {
    name: `${mark} Customer`,
    email: `customer@${low}.example`,
    phone: '+4366011111',
    companyName: `${mark} Works`,
    externalReference: `${low}-42`,
    owner,
  })
  const make = async (name: string) =>
    (
      await createDeal(tx, {
        name: `${mark} ${name}`,
        stage: open,
        contact: contact.id,
        owner,
        amount: { micros: 4_200_000_000n, currency: 'EUR' },
        expectedCloseOn: new Date('2031-01-02'),
        nextStep: `Call ${mark}`,
      })
    ).id
  const gone = await createContact(tx, { name: `${mark} Gone`, email: `gone@${low}.example` })
  await eraseContact(tx, { id: gone.id, reason: `${mark} was asked to` })
  await make('open')
  await moveDeal(tx, { id: await make('won'), stage: won })
  await moveDeal(tx, { id: await make('lost'), stage: lost, lostReason: `${mark} was too dear` })
}

/** Works every run that is queued, as a process would: to its end, or until a person is asked. */
async function workAll(ctx: Ctx, registry: ToolRegistry): Promise<void> {
  const work = createWorker({
    db: ctx.db,
    bell: ctx.bell,
    clock: systemClock,
    log: testLog,
    model: createModel({ mode: 'rehearsal', timeoutMs: 10_000 }),
    prices: loadPrices(),
    registry,
    defaultModel: 'claude-sonnet-5-5',
    fallbackModel: null,
  })
  const runs = await ctx.db.read(ctx.workspaceId, (sql) =>
    sql.selectFrom('run').select(['id', 'segment']).where('status', '=', 'QUEUED').execute(),
  )
  const means = {
    executorId: newId(),
    signal: new AbortController().signal,
    isOurs: async () => true,
    maySend: async () => true,
  }
  for (const { id, segment } of runs) await work({ workspaceId: ctx.workspaceId, runId: id, segment }, means)
}
