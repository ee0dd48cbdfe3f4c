import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { runSql } from '../support/sql.ts'
import { openHouse } from './house.ts'
import { ask, complaintsOf, cursorOf, sendLead } from './visitor.ts'

interface Asked {
  readonly id: string
  readonly tool: string
  readonly input: Record<string, unknown>
  readonly version: number
  readonly run: { readonly id: string; readonly status: string }
  readonly employee: { readonly name: string; readonly autonomy: string }
}

const house = openHouse()

/** Leads until the supervised one of the two employees has been given one and asks. */
async function untilAsked(name: string): Promise<Asked> {
  const asked = new RawSubscriber<{ approvalRequested: { approval: Asked } }>({
    url: () => house.server.url,
    key: house.server.key,
    after: await cursorOf(house.server),
    query: `subscription { approvalRequested { approval { id tool input version run { id status } employee { name autonomy } } } }`,
  })
  // They take turns: of two leads one is the supervised one's.
  for (const turn of ['a', 'b']) await sendLead(house.server, `${name}-${turn}@kite.example`)
  await asked.until((items) => items.length === 1)
  await asked.stop()
  const [item] = asked.items
  if (item === undefined) throw new Error('nobody asked')
  return item.data.approvalRequested.approval
}

const DECIDE = `mutation Decide($input: DecideApprovalInput!) { decideApproval(input: $input) { __typename
  ... on DecideApprovalPayload { approval { status decidedBy { kind name } editedInput decisionReason } }
  ... on ConflictError { reason current { id } } ... on InvalidInputError { issues { field message } }
  ... on UserError { code message } } }`

const decide = async (input: object): Promise<Record<string, unknown>> =>
  (await ask<{ decideApproval: Record<string, unknown> }>(house.server, DECIDE, { input })).decideApproval

/** Resolves with the run when it has ended, told by its subscription. */
async function untilEnded(run: string, after: string): Promise<void> {
  const ends = new RawSubscriber<{ runFinished: { run: { id: string } } }>({
    url: () => house.server.url,
    key: house.server.key,
    after,
    query: 'subscription { runFinished { run { id } } }',
  })
  await ends.until((items) => items.some(({ data }) => data.runFinished.run.id === run))
  await ends.stop()
}

const mails = (): string[] =>
  (existsSync(house.server.file('mail')) ? readdirSync(house.server.file('mail')) : []).sort()
const mailsOf = (run: string): string[] => mails().filter((file) => file.startsWith(run.replace('run_', '')))

interface Ended {
  readonly status: string
  readonly reason: string
  readonly approvals: readonly { status: string; decisionReason: string | null }[]
  readonly steps: {
    readonly nodes: readonly { detail: { tool?: string; effect?: { status: string } | null; output?: unknown } }[]
  }
}

const runOf = async (id: string): Promise<Ended> =>
  (
    await ask<{ run: Ended }>(
      house.server,
      `query ($id: ID!) { run(id: $id) { status reason approvals { status decisionReason }
         steps(first: 100) { nodes { detail { ... on ToolCall { tool output effect { status } } } } } } }`,
      { id },
    )
  ).run

test('an approved e-mail leaves with the subject the approver gave it, once, under the key of its effect', async () => {
  const asked = await untilAsked('approve')
  expect(asked).toMatchObject({ tool: 'send_email', employee: { name: 'Marco', autonomy: 'SUPERVISED' } })
  expect(asked.run.status).toBe('WAITING')
  expect(mailsOf(asked.run.id)).toEqual([])
  const from = await cursorOf(house.server)

  const subject = 'What Ada would rather say'
  const unfit = await decide({ id: asked.id, decision: 'APPROVE', editedInput: { ...asked.input, subject: 7 } })
  expect(unfit).toMatchObject({ __typename: 'InvalidInputError', issues: [{ field: 'editedInput.subject' }] })
  expect(mailsOf(asked.run.id)).toEqual([])

  const editedInput = { ...asked.input, subject }
  const decided = await decide({ id: asked.id, decision: 'APPROVE', editedInput, ifVersion: asked.version })
  expect(decided).toMatchObject({
    __typename: 'DecideApprovalPayload',
    approval: { decidedBy: { kind: 'API_KEY', name: 'Demo key' } },
  })
  await untilEnded(asked.run.id, from)

  const [effect, ...others] = await runSql<{ turn: number; call_index: number; run_id: string; status: string }>(
    house.database.url,
    `select run_id, turn, call_index, status from effect where tool = 'send_email' and run_id = $1`,
    [asked.run.id.replace('run_', '')],
  )
  expect(others).toEqual([])
  expect(effect?.status).toBe('CONFIRMED')
  const key = `${effect?.run_id}.${effect?.turn}.${effect?.call_index}`
  expect(mailsOf(asked.run.id)).toEqual([`${key}.eml`])
  const mail = readFileSync(house.server.file('mail', `${key}.eml`), 'utf8')
  expect(mail).toMatch(new RegExp(`^Message-ID: <${key.replaceAll('.', '\\.')}@localhost>\r$`, 'm'))
  expect(mail).toContain(`\r\nSubject: ${subject}\r\n`)
  expect(mail).toMatch(/^From: Marco <cadre@localhost>\r$/m)
  expect(mail).toMatch(/^Reply-To: marco@demo\.example\r$/m)
  const ended = await runOf(asked.run.id)
  expect(ended).toMatchObject({ status: 'SUCCEEDED', approvals: [{ status: 'EXECUTED' }] })

  const again = await decide({ id: asked.id, decision: 'REJECT', reason: 'Too late.' })
  expect(again).toMatchObject({
    __typename: 'ConflictError',
    code: 'CONFLICT',
    reason: 'CLOSED',
    current: { id: asked.id },
  })
  expect(again.message).toMatch(/already/)
  expect(mailsOf(asked.run.id)).toEqual([`${key}.eml`])
})

test('a rejected e-mail never leaves, the employee is told why, and the run ends', async () => {
  const asked = await untilAsked('reject')
  const from = await cursorOf(house.server)
  const reason = 'They are a competitor.'
  expect(await decide({ id: asked.id, decision: 'REJECT', reason })).toMatchObject({
    approval: { status: 'REJECTED', decisionReason: reason, editedInput: null },
  })
  await untilEnded(asked.run.id, from)
  expect(mailsOf(asked.run.id)).toEqual([])
  const ended = await runOf(asked.run.id)
  expect(ended).toMatchObject({ status: 'SUCCEEDED', approvals: [{ status: 'REJECTED', decisionReason: reason }] })
  const call = ended.steps.nodes.find(({ detail }) => detail.tool === 'send_email')
  expect(call?.detail.output).toMatchObject({ status: 'REJECTED', reason })
  expect(call?.detail.effect ?? null).toBeNull()
  const again = await decide({ id: asked.id, decision: 'APPROVE' })
  expect(again).toMatchObject({ __typename: 'ConflictError', code: 'CONFLICT' })
  expect(again.message).toMatch(/rejected already/)
  expect(mailsOf(asked.run.id)).toEqual([])
  expect(complaintsOf(house.server.output)).toEqual([])
})

test('an approval that never was is not found, whoever decides', async () => {
  const stranger = 'approval_01999999-0000-7000-8000-000000000000'
  expect(await decide({ id: stranger, decision: 'APPROVE' })).toMatchObject({ __typename: 'NotFoundError' })
})
