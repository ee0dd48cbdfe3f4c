import { parse, validate } from 'graphql'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ExampleTitle, exampleLinks, examples, type Newest } from '../../src/explorer/examples.ts'
import { schema } from '../../src/schema.ts'
import { hasChromium, launchBrowser, PICTURES } from '../support/browser.ts'
import { openHouse } from './house.ts'
import { ask, sendLead, serverSentEvents } from './visitor.ts'

const NO_NETWORK = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'

const house = openHouse()
let newest: Newest

beforeAll(async () => {
  newest = await arrange()
})

/** Leads until an employee asks before it acts; then there is something to show in every tab. */
async function arrange(): Promise<Newest> {
  for (let lead = 0; ; lead++) {
    await sendLead(house.server, `lead-${lead}@nimbus.example`)
    const { runs, approvals } = await ask<{
      runs: { nodes: { id: string }[] }
      approvals: { nodes: { id: string }[] }
    }>(house.server, `{ runs(last: 1) { nodes { id } } approvals(status: [PENDING], first: 1) { nodes { id } } }`)
    const [run, approval] = [runs.nodes[0]?.id, approvals.nodes[0]?.id]
    if (run !== undefined && approval !== undefined) return { run, approval }
  }
}

const operationOf = (title: ExampleTitle) => {
  const example = examples.find((each) => each.title === title)
  if (example === undefined) throw new Error(`there is no example ${title}`)
  return { query: example.query, variables: example.variables(newest) ?? {} }
}

const rootFieldOf = (title: ExampleTitle): string => {
  const { query } = operationOf(title)
  return /^ {2}(\w+)/m.exec(query)?.[1] ?? ''
}

test.each(examples.map(({ title }) => title))(
  'the example %s is valid, and answers with data and no errors',
  async (title) => {
    const { query, variables } = operationOf(title)
    expect(validate(schema, parse(query))).toEqual([])
    if (!query.includes('\nsubscription ')) {
      // Throws on errors.
      const data = await ask<Record<string, object>>(house.server, query, variables)
      expect(Object.values(data)[0]).toBeTruthy()
      return
    }
    const done = new AbortController()
    for await (const { event, data } of serverSentEvents(house.server, query, { variables, signal: done.signal })) {
      expect(event).toBe('next')
      expect(JSON.parse(data)).toMatchObject({ data: { [rootFieldOf(title)]: {} } })
      expect(data).not.toContain('"errors"')
      break
    }
    done.abort()
  },
)

test('a wrong field is answered with what may have been meant', async () => {
  const answer = await fetch(`${house.server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ employes { nodes { name } } }' }),
  })
  expect(await answer.text()).toContain('Did you mean')
})

describe.skipIf(!hasChromium)('GraphiQL, in a browser without a network', () => {
  let browser: Browser
  let context: BrowserContext
  const strangers: string[] = []

  beforeAll(async () => {
    browser = await launchBrowser(NO_NETWORK)
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  })
  afterAll(async () => {
    await browser?.close()
  })

  async function visit(address: string, within = context): Promise<Page> {
    const page = await within.newPage()
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(house.server.url))
        strangers.push(request.url())
    })
    await page.goto(address)
    await page.locator('.graphiql-execute-button').waitFor()
    // The schema is there when the documentation can be opened.
    await page.locator('.graphiql-query-editor .view-line').first().waitFor()
    return page
  }

  /** A tab of GraphiQL's holds two buttons: its own, and the one that closes it. */
  const tab = (page: Page, title: string) =>
    page.getByRole('tab').filter({ has: page.getByRole('button', { name: title, exact: true }) })

  /** What stands in the answer's pane, blanks as blanks. */
  const answerOf = async (page: Page): Promise<string> =>
    (await page.locator('.result-window').innerText()).replaceAll('\u00a0', ' ')

  /** Shows a tab. GraphiQL takes a press that is let go at once for the beginning of a drag. */
  async function show(page: Page, title: string): Promise<void> {
    const press = async () => {
      await tab(page, title).getByRole('button', { name: title, exact: true }).click({ delay: 150 })
      return await tab(page, title).getAttribute('aria-selected')
    }
    await expect.poll(press).toBe('true')
  }

  /**
   * Presses Play until the answer holds the text: GraphiQL reads the operation of a tab a moment after it shows it, and
   * plays the one before until then.
   */
  async function play(page: Page, holds: string): Promise<string> {
    const idle = page.getByRole('button', { name: /^Execute/ })
    const press = async () => {
      const shown = await answerOf(page)
      if (shown.includes(holds)) return shown
      if (await idle.isVisible()) await idle.click()
      return ''
    }
    await expect.poll(press, { timeout: 20_000, interval: 300 }).toContain(holds)
    return await answerOf(page)
  }

  test('opens with the examples as tabs, and each gives data when it is played', async () => {
    const page = await visit(`${house.server.url}/graphql`)
    for (const { title } of examples) expect(await tab(page, title).count(), title).toBe(1)
    for (const { title } of examples) {
      await show(page, title)
      const answer = await play(page, `"${rootFieldOf(title)}": {`)
      expect(answer, title).not.toContain('"errors"')
      if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${title}.png` })
    }
    expect(strangers).toEqual([])
    await page.close()
  })

  test('shows in one window the sentence of what is sent in another', async () => {
    const links = exampleLinks(newest)
    const watching = await visit(`${house.server.url}${links.get('WatchEverything')}`)
    const before = await play(watching, '"summary"')
    const sending = await visit(`${house.server.url}${links.get('SendALead')}`)
    await play(sending, 'SubmitFormPayload')
    await expect.poll(() => answerOf(watching), { timeout: 20_000 }).not.toBe(before)
    expect(await answerOf(watching)).toContain('"summary"')
    await watching.close()
    await sending.close()
  })

  test('runs a linked operation also where a browser has tabs of its own stored', async () => {
    const own = await browser.newContext()
    await own.addInitScript(() => {
      const tabs = [{ id: 'a', hash: 'x', title: 'Mine', query: 'query Mine { __typename }', operationName: 'Mine' }]
      const whole = tabs.map((each) => ({ ...each, variables: '', headers: '', response: null }))
      localStorage.clear()
      localStorage.setItem('graphiql:tabState', JSON.stringify({ tabs: whole, activeTabIndex: 0 }))
      localStorage.setItem('graphiql:headers', '{"authorization":"Bearer nothing"}')
      localStorage.setItem('graphiql:variables', '{"mine":1}')
    })
    for (const title of ['WhoAmI', 'WatchARun', 'Decide'] as const) {
      const page = await visit(`${house.server.url}${exampleLinks(newest).get(title)}`, own)
      await tab(page, 'Mine').waitFor()
      expect(await tab(page, title).getAttribute('aria-selected')).toBe('true')
      expect(await play(page, `"${rootFieldOf(title)}": {`), title).not.toContain('"errors"')
      await page.close()
    }
    await own.close()
  })

  test('says so in the pane when the house.server goes away while a subscription runs', async () => {
    const page = await visit(`${house.server.url}${exampleLinks(newest).get('WatchEverything')}`)
    await play(page, '"summary"')
    await house.server.kill()
    await expect.poll(() => answerOf(page), { timeout: 20_000 }).toMatch(/error|network|fetch/i)
    await page.close()
  })
})
