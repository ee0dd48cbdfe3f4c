import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Banner, type Serving } from './banner.ts'

function listen(shown = true) {
  const out = new PassThrough({ encoding: 'utf8' })
  const banner = new Banner(out as unknown as NodeJS.WriteStream, shown)
  return { out, banner, said: (): string => (out.read() as string | null) ?? '' }
}

const demo = { formPath: '/f/book', keyFile: '/far/away/demo-key', signedIn: true, dailyBudgetMicros: 5_000_000n }
const serving: Serving = {
  url: 'http://localhost:4000',
  mode: 'rehearsal',
  demo,
  development: true,
  graphiql: true,
  sendsMail: false,
  dataDir: '/far/away/.cadre',
}
const told = (change: Partial<Serving> = {}): string => {
  const { banner, said } = listen()
  banner.serving({ ...serving, ...change })
  return said()
}

describe('what a start tells at the terminal', () => {
  test('begins with what it is, as what, and on which Node', () => {
    const { banner, said } = listen()
    banner.open(false)
    expect(said()).toMatch(/^\n {2}Cadre \d+\.\d+\.\d+ +development · Node \d+\.\d+\.\d+\n\n$/)
    banner.open(true)
    expect(said()).toContain('production · Node')
  })

  test('is one line of the same width for each step, with what there is to say of it', () => {
    const { banner, said } = listen()
    banner.begin()
    banner.step('PostgreSQL', 'embedded')
    banner.step('Serving', '')
    const lines = said().trimEnd().split('\n')
    expect(lines[0]).toMatch(/^ {2}✔ PostgreSQL {20}embedded +\d+\.\d s$/)
    expect(lines[1]).toMatch(/^ {2}✔ Serving +\d+\.\d s$/)
    expect(new Set(lines.map(({ length }) => length)).size).toBe(1)
  })

  test('on a demo leads to the start page, GraphiQL, the form, the reference, the key and the next command', () => {
    const text = told()
    expect(text).toMatch(/Start here +http:\/\/localhost:4000\n/)
    expect(text).toMatch(/GraphiQL +http:\/\/localhost:4000\/graphql +signed in with the demo key\n/)
    expect(text).toMatch(/The form +http:\/\/localhost:4000\/f\/book\n/)
    expect(text).toMatch(/Reference +http:\/\/localhost:4000\/docs\n/)
    expect(text).toMatch(/Demo key +\/far\/away\/demo-key\n/)
    expect(text).toContain('Next: npm run demo')
    expect(text).toContain('Your data stays in /far/away/.cadre/ for the next start.')
  })

  test('does not call somebody signed in who is not', () => {
    expect(told({ demo: { ...demo, signedIn: false } })).not.toContain('signed in')
    expect(told({ demo: null })).not.toContain('signed in')
  })

  test('in production without a demo names the API alone', () => {
    const text = told({ development: false, graphiql: false, demo: null, dataDir: null })
    expect(text).toMatch(/The API +http:\/\/localhost:4000\/graphql\n/)
    expect(text).not.toMatch(/Start here|GraphiQL|Reference|The form|Demo key|npm run demo/)
    expect(text).toContain('Your data stays in the database.')
  })

  test.each<[string, Partial<Serving>, string]>([
    ['rehearsal, with files', {}, 'no model is asked, mail becomes files, nothing costs.'],
    ['rehearsal, with mail', { sendsMail: true }, 'no model is asked, mail goes out over SMTP_URL, nothing costs.'],
    ['what live would cost at most', {}, 'runs the same on Claude (budget: $5.00 a day).'],
    ['no limit where there is no demo', { demo: null }, 'runs the same on Claude.'],
    ['live, with a budget', { mode: 'live' }, "at your key's cost. Budget: $5.00 a day."],
    ['live, without one', { mode: 'live', demo: { ...demo, dailyBudgetMicros: null } }, 'cost. No budget.'],
    ['live, without a demo', { mode: 'live', demo: null }, 'cost. Each workspace has its budget.'],
  ])('says who does the thinking, and at what cost: %s', (_name, change, words) => {
    expect(told(change)).toContain(words)
  })
})

describe('what a stop tells at the terminal', () => {
  test.each<[number, number | null, string]>([
    [0, 0, '\n  Stopping … stopped.\n'],
    [1, 1, '\n  Finishing 1 step … stopped. 1 run goes on at the next start.\n'],
    [3, 1_200, '\n  Finishing 3 steps … stopped. 1,200 runs go on at the next start.\n'],
    [2, null, '\n  Finishing 2 steps … stopped.\n'],
  ])('with %i steps under way and %s runs unfinished is what remains', (steps, unfinished, words) => {
    const { banner, said } = listen()
    banner.stopping(steps)
    banner.stopped(unfinished)
    expect(said()).toBe(words)
  })

  test('names what is safe and what helps when it takes too long', () => {
    const { banner, said } = listen()
    banner.stoppingSoon()
    banner.stoppedAtOnce()
    expect(said()).toMatch(
      /Ctrl-C again stops at once\.\nstopped at once\. What was under way goes on at the next start/,
    )
  })
})

test('a log that goes to a program has no banner in it', () => {
  const { banner, said } = listen(false)
  banner.open(true)
  banner.step('PostgreSQL', 'embedded')
  banner.serving(serving)
  banner.stopped(3)
  expect([banner.shown, said()]).toEqual([false, ''])
})

test('a terminal that goes away does not take the server with it', () => {
  const { out, banner } = listen()
  out.emit('error', new Error('EPIPE'))
  expect(banner.shown).toBe(true)
})
