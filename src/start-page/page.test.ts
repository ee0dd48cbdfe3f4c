import { describe, expect, test } from 'vitest'
import type { StartPageQuery } from '../client/gql/graphql.ts'
import { renderOpenHereHint, renderSignInHint } from './hint-page.ts'
import { renderParts, renderStartPage } from './page.ts'

const now = new Date('2026-11-25T08:41:00Z')
const options = {
  mode: 'rehearsal',
  explorer: true,
  formPath: '/f/demo/book',
  decides: 'Employees ask you.',
  graphiql: 'with a key',
  streamPath: '/changes',
  reading: [],
} as const

const empty: StartPageQuery = {
  viewer: { workspace: { name: 'Demo', timeZone: 'Europe/Vienna' } },
  employees: { nodes: [] },
  approvals: { totalCount: 0, nodes: [] },
  forms: { nodes: [] },
  runs: { nodes: [] },
  events: { nodes: [] },
}
const approval = (n: number) => ({
  id: `approval_${n}`,
  title: `Send <b>${n}</b>`,
  reason: 'It asks <always>.',
  changes: [],
  employee: { name: 'Iris' },
})
const employee = (state: StartPageQuery['employees']['nodes'][number]['activity']['state'], text: string) => ({
  name: 'Iris',
  title: 'SDR',
  activity: { state, text, since: '2026-11-25T07:05:00Z' },
})
/** As it reads, without what makes it a page. */
const words = ({ text }: { readonly text: string }): string =>
  text
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
const parts = (change: Partial<StartPageQuery>) => renderParts({ ...empty, ...change }, now, options)

describe('the start page', () => {
  test('of an empty workspace says that nothing waits and nothing has happened', () => {
    const { team, waiting, last } = parts({})
    expect([words(team), words(waiting), words(last)]).toEqual([
      'Nobody works here yet. Hire somebody',
      'Nothing waits for you at the moment.',
      'No work yet.',
    ])
  })

  test('tells times as the workspace has them, with the day where it is another one, and the newest last', () => {
    const events = [
      { occurredAt: '2026-11-25T07:05:00Z', summary: 'Iris finished' },
      { occurredAt: '2026-11-24T22:59:00Z', summary: 'Iris began' },
    ]
    expect(words(parts({ events: { nodes: events } }).last)).toBe('24 Nov, 23:59 Iris began 08:05 Iris finished')
  })

  test('says since when somebody does what they do, but not twice', () => {
    const team = (state: 'WORKING' | 'WAITING' | 'IDLE', text: string) =>
      words(parts({ employees: { nodes: [employee(state, text)] } }).team)
    expect(team('WORKING', 'on Nimbus')).toBe('Iris · SDR working on Nimbus since 08:05')
    expect(team('WAITING', 'for you since 08:05')).toBe('Iris · SDR waiting for you since 08:05')
    expect(team('IDLE', 'Idle')).toBe('Iris · SDR idle since 08:05')
  })

  test('counts what waits, names the first of it, and leads to the decision', () => {
    const waits = (totalCount: number, nodes: StartPageQuery['approvals']['nodes']) =>
      parts({ approvals: { totalCount, nodes } }).waiting
    const one = waits(1, [{ ...approval(1), employee: null }])
    expect(words(one)).toBe(
      '1 approval waits for you; each opens in GraphiQL, where you decide: Send &lt;b&gt;1&lt;/b&gt; why, and what it would do why It asks &lt;always&gt;.',
    )
    expect(decodeURIComponent(one.text)).toContain('approval_1')
    expect(words(waits(9, [approval(1), approval(2)]))).toMatch(/^9 approvals wait for you; .*: .*· Iris.* and 7 more$/)
  })

  test('shows what an approval would do, texts from their beginning, and nothing as HTML', () => {
    const changes = [
      { field: 'subject', to: 'Welcome, <Kim>' },
      { field: 'body', to: 'x'.repeat(500) },
      { field: 'owner', to: null },
    ]
    const shown = parts({ approvals: { totalCount: 1, nodes: [{ ...approval(1), changes }] } }).waiting
    expect(shown.text).toContain('<details data-of="approval_1">')
    expect(words(shown)).toContain(`subject Welcome, &lt;Kim&gt; body ${'x'.repeat(400)} … owner none`)
  })

  test('never takes a name for HTML', () => {
    const named = { ...empty, viewer: { workspace: { name: '<script>', timeZone: 'UTC' } } }
    expect(renderStartPage(named, options, now)).not.toContain('· <script>')
  })

  test('leads to what there is to read, and only where there is something', () => {
    expect(renderStartPage(empty, options, now)).not.toContain('>Read<')
    const page = renderStartPage(empty, { ...options, reading: [{ href: '/docs', text: 'the reference' }] }, now)
    expect(page).toContain('<a href="/docs">the reference</a>')
  })

  test('leads to no GraphiQL where there is none, and to a form of the workspace’s own where it has one', () => {
    const waiting = { totalCount: 2, nodes: [approval(1)] }
    const page = renderStartPage({ ...empty, approvals: waiting }, { ...options, graphiql: undefined }, now)
    expect(page).toContain('2 approvals wait for you:')
    expect(page).not.toContain('/graphql')
    const { formPath: _, ...own } = options
    expect(renderStartPage(empty, own, now)).not.toContain('Be a lead')
    const form = (path: string, status: 'ACTIVE' | 'ARCHIVED') => ({ path, status })
    const forms = { nodes: [form('/f/acme/old', 'ARCHIVED'), form('/f/acme/talk', 'ACTIVE')] }
    expect(renderStartPage({ ...empty, forms }, own, now)).toContain('href="/f/acme/talk"')
  })

  test('offers to watch a run where there is one', () => {
    expect(renderStartPage({ ...empty, runs: { nodes: [{ id: 'run_7' }] } }, options, now)).toContain('run_7')
    expect(renderStartPage(empty, options, now)).not.toContain('run_7')
  })
})

test('who is not known here is told what the API asks for, and what may be read without', () => {
  expect(renderSignInHint([])).toContain('Authorization: Bearer KEY')
  expect(renderSignInHint([])).toContain('href="/sign-in"')
  expect(renderSignInHint([])).not.toContain('To read')
  expect(renderSignInHint([{ href: '/docs', text: 'the reference' }])).toContain('<a href="/docs">the reference</a>')
})

test('who came by another name is told the address, and nothing of the workspace', () => {
  expect(renderOpenHereHint('http://localhost:4000/"><script>')).toContain('href="http://localhost:4000/&quot;&gt;')
})
