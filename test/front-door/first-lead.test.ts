import type { Browser } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'
import { hasChromium, launchBrowser } from '../support/browser.ts'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { openHouse } from './house.ts'
import {
  ask,
  complaintsOf,
  cursorOf,
  formUrlOf,
  type ServerSentEvent,
  sendLead,
  serverSentEvents,
  untilComplete,
} from './visitor.ts'

const EVENTS = 'subscription { events { id cursor type summary run { id } } }'

interface EventItem {
  readonly events: {
    readonly id: string
    readonly cursor: string
    readonly type: string
    readonly summary: string
    readonly run: { readonly id: string } | null
  }
}

interface ProgressItem {
  readonly runProgress: {
    readonly __typename: 'RunChanged' | 'StepChanged' | 'StepText' | 'CaughtUp'
    readonly cursor?: string
    readonly run?: { readonly status: string }
    readonly step?: { readonly id: string; readonly kind: string; readonly status: string }
  }
}

const house = openHouse()
let browser: Browser | undefined

afterAll(async () => {
  await browser?.close()
})

/** Follows `events` from here on. */
async function follow(): Promise<RawSubscriber<EventItem>> {
  return new RawSubscriber({
    url: () => house.server.url,
    key: house.server.key,
    query: EVENTS,
    after: await cursorOf(house.server),
  })
}

const typesOf = (items: readonly { readonly data: EventItem }[]): string[] => items.map(({ data }) => data.events.type)
const isEnd = (type: string): boolean => type === 'RUN_FINISHED'

/** The names in this order, whatever stands between them. */
function expectInOrder(seen: readonly string[], wanted: readonly string[]): void {
  let from = 0
  const missing = wanted.filter((name) => {
    const at = seen.indexOf(name, from)
    if (at >= 0) from = at + 1
    return at < 0
  })
  expect(missing, `in ${seen.join(' · ')}`).toEqual([])
}

test('a lead typed into the form in a browser is worked to a deal, watched live over a raw socket', async (context) => {
  if (!hasChromium) context.skip('there is no Chromium')
  const watcher = await follow()
  browser = await launchBrowser()
  const page = await browser.newPage()
  await page.goto(formUrlOf(house.server))
  await page.getByLabel('E-mail').fill('kim.larsen@nimbus.example')
  await page.getByLabel('Name', { exact: true }).fill('Kim Larsen')
  await page.getByLabel('Company').fill('Nimbus Labs')
  await page.getByLabel('What is your current occupation').fill('Head of Operations')
  await page.getByLabel('Budget').fill('18000')
  await page.getByLabel('What would you like to see?').fill('We are 40 people.')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('heading', { name: 'Thank you' }).waitFor()

  await watcher.until((items) => typesOf(items).includes('RUN_QUEUED'))
  const run = watcher.items.find(({ data }) => data.events.type === 'RUN_QUEUED')?.data.events.run?.id
  // While it is worked: from the first change of the run to the server's own `complete`.
  const progress = await untilComplete<ProgressItem>(
    house.server,
    `subscription Progress($run: ID!) { runProgress(run: $run) { __typename
       ... on RunChanged { cursor run { status } } ... on StepChanged { cursor step { id kind status } }
       ... on StepText { stepId offset text } ... on CaughtUp { cursor } } }`,
    { run },
  )
  await watcher.until((items) => typesOf(items).some(isEnd))
  await watcher.stop()

  const seen = typesOf(watcher.items)
  expectInOrder(seen, [
    'SUBMISSION_RECEIVED',
    'SUBMISSION_MATCHED',
    'SUBMISSION_ROUTED',
    'RUN_QUEUED',
    'RUN_STARTED',
    'SUBMISSION_QUALIFIED',
    'DEAL_CREATED',
    'INBOX_MESSAGE_SENT',
    'STEP_FINISHED',
    'RUN_FINISHED',
  ])
  expect(watcher.errors).toEqual([])
  const cursors = watcher.items.map(({ data }) => data.events.cursor)
  expect(cursors).toEqual([...new Set(cursors)].sort())
  expect(watcher.items.map(({ cursor }) => cursor)).toEqual(cursors)
  expect(watcher.items.filter(({ data }) => data.events.summary === '')).toEqual([])

  const updates = progress.map(({ data }) => data.runProgress)
  const runs = updates.flatMap((update) => (update.run === undefined ? [] : [update.run.status]))
  expect(updates[0]?.__typename).toBe('RunChanged')
  expect(runs.at(-1)).toBe('SUCCEEDED')
  const steps = updates.flatMap((update) => (update.step === undefined ? [] : [update.step]))
  expect(steps.filter(({ kind }) => kind === 'MODEL_TURN')).not.toEqual([])
  expect(steps.filter(({ kind, status }) => kind === 'TOOL_CALL' && status === 'DONE')).not.toEqual([])
  const places = updates.flatMap(({ cursor }) => cursor ?? [])
  expect(places).toEqual([...places].sort())

  const { submissions } = await ask<{ submissions: { nodes: Record<string, unknown>[] } }>(
    house.server,
    `{ submissions(first: 10) { nodes { status qualified answer(key: "email") { text }
        contact { email name companyName deals { nodes { name } } } deal { name amount { amount currency } stage { name } }
        run { id status rehearsal cost { micros } steps { nodes { kind title } } } } } }`,
  )
  expect(submissions.nodes).toMatchObject([
    {
      status: 'PROCESSED',
      qualified: true,
      answer: { text: 'kim.larsen@nimbus.example' },
      contact: { email: 'kim.larsen@nimbus.example', name: 'Kim Larsen', companyName: 'Nimbus Labs' },
      deal: { amount: { amount: '18000.00', currency: 'EUR' }, stage: { name: 'New' } },
      run: { id: run, status: 'SUCCEEDED', rehearsal: true, cost: { micros: '0' } },
    },
  ])
  const { inboxMessages } = await ask<{ inboxMessages: { nodes: { subject: string; run: { id: string } }[] } }>(
    house.server,
    '{ inboxMessages { nodes { subject run { id } } } }',
  )
  expect(inboxMessages.nodes.map((message) => message.run.id)).toEqual([run])
  expect(complaintsOf(house.server.output)).toEqual([])
}, 120_000)

test('server-sent events over plain fetch tell the same as the socket, and Last-Event-ID misses nothing', async () => {
  const from = await cursorOf(house.server)
  const watcher = await follow()
  await sendLead(house.server, 'first@kite.example')

  const read = async (count: number | null, options: { after?: string; lastEventId?: string }) => {
    const connection = new AbortController()
    const items: (ServerSentEvent & { readonly node: EventItem['events'] })[] = []
    for await (const item of serverSentEvents(house.server, EVENTS, { ...options, signal: connection.signal })) {
      expect(item.event).toBe('next')
      items.push({ ...item, node: (JSON.parse(item.data) as { data: EventItem }).data.events })
      if (count === null ? items.at(-1)?.node.id === last() : items.length === count) break
    }
    connection.abort()
    return items
  }
  const last = () => watcher.items.at(-1)?.data.events.id

  // The connection breaks after three; two more leads come while nobody listens.
  const first = await read(3, { after: from })
  await sendLead(house.server, 'second@kite.example')
  await sendLead(house.server, 'third@kite.example')
  const settled = (items: readonly { readonly data: EventItem }[]) =>
    typesOf(items).filter((type) => type === 'RUN_FINISHED' || type === 'RUN_WAITING').length === 3
  await watcher.until(settled)
  const rest = await read(null, { lastEventId: first.at(-1)?.id ?? '' })
  await watcher.stop()

  const together = [...first, ...rest]
  expect(together.map(({ node }) => node.id)).toEqual(watcher.items.map(({ data }) => data.events.id))
  expect(together.map(({ id }) => id)).toEqual(together.map(({ node }) => node.cursor))
  expect(complaintsOf(house.server.output)).toEqual([])
})
