import { beforeAll, expect, test } from 'vitest'
import { createEmployee } from '../../src/domains/employees/service.ts'
import { inboxTools } from '../../src/domains/inbox/tools.ts'
import { startRun } from '../../src/domains/runs/service.ts'
import type { Ctx } from '../../src/platform/context.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import type { InternalTool, Tool } from '../../src/platform/tools/tool.ts'
import type { Tenant } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()
let iris: Ctx

beforeAll(async () => {
  iris = await hire(acme)
})

/** A context in which a new employee works a run. */
const hire = (tenant: Tenant): Promise<Ctx> =>
  house.db.inTransaction(tenant.ctx, async (tx) => {
    const { id } = await createEmployee(tx, { name: 'Iris', role: 'SDR', title: 'SDR', autonomy: 'AUTONOMOUS' })
    const started = await startRun(tx, { employeeId: id, trigger: 'PERSON', title: 'Work on Kite' })
    const runId = 'runId' in started ? started.runId : ''
    return { ...tenant.ctx, viewer: { kind: 'employee', employeeId: id, name: 'Iris', runId } }
  })

const tool = inboxTools.find(({ name }) => name === 'send_inbox_message') as Tool & InternalTool<unknown>

const send = async (input: Record<string, unknown> = {}, as = iris) => {
  const content = { priority: 'NORMAL', subject: 'A lead', blocks: [{ type: 'text', text: 'Kite came in.' }], ...input }
  const { output } = await house.db.inTransaction(as, (tx) => tool.run(tx, tool.input.parse(content)))
  return String(output.message)
}

test('what an employee writes is read block by block, with who wrote it and in which run', async () => {
  const made = await acme.mutate('createContact', { name: 'Kim' }, 'contact { id }')
  const contact = (made.contact as { id: string }).id
  const id = await send({
    priority: 'HIGH',
    blocks: [
      { type: 'text', text: 'Kite came in.' },
      { type: 'list', title: 'Why', items: ['budget'] },
      { type: 'stat', label: 'Fit', value: '0.82' },
      { type: 'table', columns: ['a', 'b'], rows: [['1', '2']] },
      { type: 'link', label: 'Kim', node: contact },
      { type: 'link', label: 'Page', url: 'https://kite.example/' },
      { type: 'cost', label: 'So far', amount: '0.5', currency: 'USD' },
    ],
  })
  const { inboxMessage } = await acme.query(
    `query($id: ID!) { inboxMessage(id: $id) { subject priority readAt employee { name } run { id } blocks { __typename
      ... on TextBlock { text } ... on ListBlock { title items } ... on StatBlock { label value change }
      ... on TableBlock { columns rows { cells } } ... on LinkBlock { label url node { id } } ... on CostBlock { label cost { text } } } } }`,
    { id },
  )
  expect(inboxMessage).toEqual({
    subject: 'A lead',
    priority: 'HIGH',
    readAt: null,
    employee: { name: 'Iris' },
    run: { id: encodeId('run', iris.viewer.kind === 'employee' ? iris.viewer.runId : '') },
    blocks: [
      { __typename: 'TextBlock', text: 'Kite came in.' },
      { __typename: 'ListBlock', title: 'Why', items: ['budget'] },
      { __typename: 'StatBlock', label: 'Fit', value: '0.82', change: null },
      { __typename: 'TableBlock', columns: ['a', 'b'], rows: [{ cells: ['1', '2'] }] },
      { __typename: 'LinkBlock', label: 'Kim', url: null, node: { id: contact } },
      { __typename: 'LinkBlock', label: 'Page', url: 'https://kite.example/', node: null },
      { __typename: 'CostBlock', label: 'So far', cost: { text: '$0.50' } },
    ],
  })
})

test('a message is read once: the first reading is told, the second changes nothing', async () => {
  const id = await send()
  const read = await acme.mutate('markInboxMessageRead', { id }, 'inboxMessage { readAt }')
  const { readAt } = read.inboxMessage as { readAt: string }
  expect(readAt).toEqual(expect.any(String))
  const before = await acme.footprint()
  const again = await acme.mutate('markInboxMessageRead', { id }, 'inboxMessage { readAt }')
  expect(again.inboxMessage).toEqual({ readAt })
  expect(await acme.footprint()).toBe(before)
})

test('messages are found by whether they were read, by priority and by employee', async () => {
  const tenant = await house.workspace('Lists')
  const [ann, ben] = [await hire(tenant), await hire(tenant)]
  const read = await send({ subject: 'Read' }, ann)
  await tenant.mutate('markInboxMessageRead', { id: read })
  await send({ subject: 'Urgent', priority: 'URGENT' }, ben)
  const subjects = async (filter: string) => {
    const { inboxMessages } = await tenant.query(
      `{ inboxMessages(filter: { ${filter} }, orderBy: [{ field: SENT }]) { nodes { subject } } }`,
    )
    return (inboxMessages as { nodes: { subject: string }[] }).nodes.map(({ subject }) => subject)
  }
  expect(await subjects('unread: { eq: true }')).toEqual(['Urgent'])
  expect(await subjects('unread: { eq: false }')).toEqual(['Read'])
  expect(await subjects('priority: { in: [HIGH, URGENT] }')).toEqual(['Urgent'])
  const employee = encodeId('employee', ann.viewer.kind === 'employee' ? ann.viewer.employeeId : '')
  expect(await subjects(`employee: { eq: "${employee}" }`)).toEqual(['Read'])
})

test('who follows an employee’s messages is told with the sentence a person reads', async () => {
  const items = await acme.follow(
    'subscription { inboxMessageSent { message { subject } event { summary actor { name kind } } } }',
  )
  const next = items.next()
  await send({ subject: 'Three leads today' })
  expect((await next).value).toEqual({
    inboxMessageSent: {
      message: { subject: 'Three leads today' },
      event: { summary: 'Iris wrote to you: Three leads today', actor: { name: 'Iris', kind: 'EMPLOYEE' } },
    },
  })
})

test('a key without the permission, an unknown id and another workspace’s message are refused and nothing is written', async () => {
  const id = await send()
  const other = await house.workspace('Other')
  const theirs = await send({}, await hire(other))
  const before = [await acme.footprint(), await other.footprint()]
  expect(await (await acme.as(['INBOX_READ'])).mutate('markInboxMessageRead', { id })).toEqual({
    __typename: 'ForbiddenError',
    needs: 'INBOX_WRITE',
  })
  for (const missing of [theirs, encodeId('inbox_message', newId()), 'nothing']) {
    expect(await acme.mutate('markInboxMessageRead', { id: missing })).toEqual({
      __typename: 'NotFoundError',
      id: missing,
    })
  }
  expect(await (await acme.as(['DEALS_READ'])).errorCodes('{ inboxMessages { nodes { id } } }')).toEqual(['FORBIDDEN'])
  expect([await acme.footprint(), await other.footprint()]).toEqual(before)
})

test('only an employee writes to the inbox', async () => {
  await expect(send({}, acme.ctx)).rejects.toMatchObject({ code: 'FORBIDDEN' })
})
