import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StartPage } from '../../src/start-page/documents.ts'
import { untilSettled } from '../chaos/accounting.ts'
import { complaintsOfPage, hasChromium, launchBrowser } from '../support/browser.ts'
import { ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { openHouse } from './house.ts'
import { ask, complaintsOf, sendLead, visit } from './visitor.ts'

interface Told {
  readonly nodes: readonly { readonly summary: string }[]
}

// Its links, its barriers and what it is without a script are looked at in the first hour.

const house = openHouse({ SAMPLE_LEADS: '6' })

beforeAll(async () => {
  await untilSettled(house.database.url)
})

/** As a browser that goes to a path of the server's. */
const visitPath = (path: string, headers: Record<string, string> = {}, to = house.server) =>
  visit(`${to.url}${path}`, headers)

describe('the first start', () => {
  test('has six leads for the employees to work on, each once, and is left alone by the next', async () => {
    const count = async () =>
      (await runSql<{ n: number }>(house.database.url, 'select count(*)::int as n from submission'))[0]?.n
    expect(await count()).toBe(6)
    expect(
      await runSql(
        house.database.url,
        'select submission_id from run group by submission_id having count(*) > 1 or submission_id is null',
      ),
    ).toEqual([])
    await house.server.stop()
    await house.server.start()
    expect(await count()).toBe(6)
    expect(complaintsOf(house.server.output)).toEqual([])
  })
})

describe('the page at /', () => {
  test('names the employees and what they do, what waits, and what happened last', async () => {
    const { status, headers, body } = await visitPath('/')
    expect(status).toBe(200)
    for (const words of ['Iris', 'Marco', 'Demo workspace', 'model: rehearsal', '1 approval waits for you']) {
      expect(body).toContain(words)
    }
    expect(body).toMatch(/Waiting for Ada since \d\d:\d\d/)
    // Six leads are worked at once, so which of them are the last ten is as it happens: the page has those that the log has.
    const { events } = await ask<{ events: Told }>(house.server, StartPage.toString())
    expect(events.nodes).toHaveLength(10)
    for (const { summary } of events.nodes) expect(body.replaceAll('&amp;', '&')).toContain(`<span>${summary}</span>`)
    const opened = '{ events(last: 10, filter: { types: [DEAL_CREATED] }) { nodes { summary } } }'
    const deals = (await ask<{ events: Told }>(house.server, opened)).events.nodes.map(({ summary }) => summary)
    expect(deals).toContain('Iris opened deal Nimbus Labs · €18,000.00 · New')
    expect(body).toMatch(/<dt>subject<\/dt><dd>Book a demo: thank you, Priya Raman<\/dd>/)
    expect(Buffer.byteLength(body)).toBeLessThan(20_000)
    expect(headers['cache-control']).toBe('no-store')
  })

  test('says what is in the workspace to who sits at this machine, and to nobody else', async () => {
    const here = { host: `localhost:${house.server.port}` }
    expect((await visitPath('/', here)).body).toContain('Iris')
    const elsewhere = [
      { host: 'evil.example.com' },
      { host: 'localhost:1' },
      { ...here, 'x-forwarded-for': '203.0.113.1' },
      { ...here, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      { ...here, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', origin: 'http://localhost:5173' },
    ]
    for (const headers of elsewhere) {
      const { status, body, headers: answered } = await visitPath('/', headers)
      expect([status, answered['access-control-allow-origin']]).toEqual([200, undefined])
      expect(body).not.toMatch(/Iris|Marco|Nimbus/)
      const stream = await visitPath('/start-page/changes', headers)
      // A navigation of somebody's own to the stream is as harmless as one to the page.
      expect([stream.status, stream.body.includes('Iris')]).toEqual([404, false])
    }
  })

  test('lets no script run but its own, stands in no frame, and its script is kept for ever', async () => {
    const { headers, body } = await visitPath('/', { 'accept-encoding': 'br' })
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'sha256-")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(headers['content-encoding']).toBe('br')
    expect(body).not.toContain('<script')
    const plain = (await visitPath('/')).body
    const [, script = ''] = /<script src="([^"]+)" defer><\/script>/.exec(plain) ?? []
    expect((await visitPath(script)).headers['cache-control']).toContain('immutable')
  })
})

describe.skipIf(!hasChromium)('in a browser, the page at /', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  async function open(): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage()
    const complaints = complaintsOfPage(page)
    await page.goto(`${house.server.url}/`)
    return { page, complaints }
  }

  test('leaves what somebody reads open, and the focus where it was, when more comes to wait', async () => {
    const { page, complaints } = await open()
    await page.locator('#state[data-state=live]').waitFor()
    await page.locator('#waiting summary').first().press('Enter')
    const read = await page.locator('#waiting details[open]').getAttribute('data-of')
    for (const name of ['mo', 'ida', 'ben', 'eva']) await sendLead(house.server, `${name}@aurora.example`)
    await page
      .locator('#waiting')
      .getByText(/^\d+ approvals wait for you/)
      .waitFor()
    expect(await page.locator('#waiting details[open]').getAttribute('data-of')).toBe(read)
    expect(await page.evaluate(() => document.activeElement?.parentElement?.dataset.of)).toBe(read)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  test('follows what happens while it is open, also over a restart of the server', async () => {
    const { page, complaints } = await open()
    await page.locator('#state[data-state=live]').waitFor()
    await sendLead(house.server, 'lena@aurora.example')
    await page.locator('#last').getByText('Book a demo received Nimbus Labs').first().waitFor()
    expect(complaints).toEqual([])
    await house.server.stop()
    await page.locator('#state[data-state=reconnecting]').waitFor()
    await house.server.start()
    await page.locator('#state[data-state=live]').waitFor()
    const { employees } = await ask<{ employees: { nodes: { id: string; name: string }[] } }>(
      house.server,
      '{ employees { nodes { id name } } }',
    )
    const iris = employees.nodes.find(({ name }) => name === 'Iris')
    await ask(
      house.server,
      'mutation ($id: ID!) { pauseEmployee(input: { id: $id }) { ... on UserError { message } ... on PauseEmployeePayload { employee { status } } } }',
      { id: iris?.id },
    )
    await page
      .locator('#team')
      .getByText(/Paused since/)
      .waitFor()
    await page.context().close()
  })

  test('leads on to GraphiQL, signed in, whose policy lets it work and nothing else', async () => {
    const { page, complaints } = await open()
    await page.getByRole('link', { name: 'my team' }).click()
    await page
      .getByRole('button', { name: /execute/i })
      .first()
      .click()
    await page.getByText('"Iris"').first().waitFor()
    // The answer of the worker, which is a script as well.
    await page.locator('.graphiql-editor .monaco-editor').first().click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('query Mine { view')
    const offered = page.locator('.suggest-widget .monaco-list-row').filter({ hasText: 'viewer' }).first()
    // What is typed before the schema is there is offered nothing, and nothing asks again by itself.
    await expect
      .poll(async () => {
        if (!(await offered.isVisible())) await page.keyboard.press('Control+Space')
        return offered.isVisible()
      })
      .toBe(true)
    expect(complaints).toEqual([])
    await page.context().close()
  })
})

describe('without a demo', () => {
  let production: ServerProcess
  let empty: TestDatabase

  beforeAll(async () => {
    empty = await createTestDatabase()
    production = await ServerProcess.start({
      command: 'server',
      databaseUrl: house.database.url,
      env: { NODE_ENV: 'production' },
    })
  })
  afterAll(async () => {
    await production?.remove()
    await empty?.drop()
  })

  test('a production server says at / how to sign in, and nothing of what it holds', async () => {
    const { status, body, headers } = await visitPath('/', {}, production)
    expect([status, headers['content-security-policy']?.includes('unsafe')]).toEqual([200, false])
    expect(body).toContain('Authorization: Bearer KEY')
    expect(body).not.toMatch(/Iris|Marco|Demo|cadre_test_/)
    expect((await visitPath('/start-page/changes', {}, production)).status).toBe(404)
  })

  test('START_PAGE=off takes the page away, also from who sits at the machine', async () => {
    const off = await ServerProcess.start({ databaseUrl: empty.url, env: { START_PAGE: 'off' } })
    try {
      expect((await visitPath('/', {}, off)).status).toBe(404)
      expect((await visitPath('/start-page/changes', {}, off)).status).toBe(404)
    } finally {
      await off.remove()
    }
  })
})
