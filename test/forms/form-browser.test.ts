import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formRoutes } from '../../src/domains/submissions/http.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { complaintsOfPage, findBarriers, hasChromium, launchBrowser, PICTURES, SCREENS } from '../support/browser.ts'
import { openDatabase, testLog } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { House } from './arrange.ts'
import { sendInVain, sendTwice } from './form-page.ts'

const FIELDS = [
  { key: 'name', kind: 'TEXT', label: 'Your name', contactField: 'NAME' },
  { key: 'email', kind: 'EMAIL', label: 'Work e-mail', required: true, help: 'We answer to this address only.' },
  { key: 'phone', kind: 'PHONE', label: 'Phone', help: 'With the country code, such as +49 30 901820.' },
  {
    key: 'size',
    kind: 'SELECT',
    label: 'Size of your team',
    options: [
      { value: 'small', label: 'Up to 10' },
      { value: 'large', label: 'More than 10' },
    ],
  },
  { key: 'budget', kind: 'CURRENCY', label: 'Budget', currency: 'EUR' },
  {
    key: 'interests',
    kind: 'MULTI_SELECT',
    label: 'What are you interested in?',
    required: true,
    options: [
      { value: 'crm', label: 'Customer relations' },
      { value: 'support', label: 'Support' },
    ],
  },
  { key: 'start', kind: 'DATE', label: 'When would you like to begin?' },
  { key: 'message', kind: 'LONG_TEXT', label: 'What is it about?' },
  { key: 'terms', kind: 'CONSENT', label: 'You may keep my answers to write back to me.', required: true },
]

describe.skipIf(!hasChromium)('in a browser, a form', () => {
  let database: TestDatabase
  let db: Database
  let server: HttpServer
  let browser: Browser
  let house: House

  beforeAll(async () => {
    database = await createTestDatabase()
    db = openDatabase(database.url)
    server = await openHttpServer({
      routes: formRoutes({ db, bell: { ring: () => {} }, clock: systemClock, log: testLog, secret: 'a secret' }),
      log: testLog,
      host: '127.0.0.1',
      port: 0,
      maxBodyBytes: 1024 * 1024,
      trustProxy: 0,
    })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await db?.close()
    await database?.drop()
  })
  beforeEach(async () => {
    house = await House.open(db, database.url)
  })

  async function open(slug: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, ...options })
    const page = await context.newPage()
    await page.goto(`${server.url}/f/${house.slug}/${slug}`)
    return page
  }

  it.each([true, false])('is sent once however fast the button is pressed twice (script on: %s)', async (script) => {
    const form = await house.form({ fields: FIELDS })
    const page = await open(form.slug, { javaScriptEnabled: script })
    await page.getByLabel('Work e-mail').fill('ada@example.com')
    await page.getByLabel('Support').check()
    await page.getByLabel('You may keep').check()
    await sendTwice(page)
    expect(new URL(page.url()).pathname).toBe(`/f/${house.slug}/${form.slug}/thanks`)
    expect(await house.count('submission')).toBe(1)
    await page.context().close()
  })

  it.each([true, false])(
    'says at the field what is wrong, keeps the rest, and has focus there (script on: %s)',
    async (script) => {
      const form = await house.form({ fields: FIELDS })
      const page = await open(form.slug, { javaScriptEnabled: script })
      await page.getByLabel('Your name').fill('Ada "the first" <Lovelace>')
      await page.getByLabel('Work e-mail').fill('ada@')
      await page.getByLabel('Support').check()
      await page.getByLabel('Size of your team').selectOption('large')
      await sendInVain(page, 'Work e-mail', 'not an e-mail address')
      const email = page.getByLabel('Work e-mail')
      expect(await email.getAttribute('aria-describedby')).toBe('email-help email-error')
      expect(await page.getByLabel('Your name').inputValue()).toBe('Ada "the first" <Lovelace>')
      expect(await page.getByLabel('Support').isChecked()).toBe(true)
      expect(await page.getByLabel('Size of your team').inputValue()).toBe('large')
      await email.fill('ada@example.com')
      await page.getByLabel('You may keep').check()
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('heading', { name: 'Thank you' }).waitFor()
      expect(await house.rows('select answers from submission where workspace_id = $1')).toEqual([
        {
          answers: {
            name: 'Ada "the first" <Lovelace>',
            email: 'ada@example.com',
            size: 'large',
            interests: ['support'],
            terms: true,
          },
        },
      ])
      await page.context().close()
    },
  )

  it('fits a phone, can be filled in by keyboard alone, and asks nothing of anybody else', async () => {
    const form = await house.form({ fields: FIELDS, limits: { honeypot: 'subject_line' } })
    const page = await open(form.slug, { viewport: { width: 360, height: 740 } })
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    await page.reload()
    expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([])
    expect(complaints).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    const reached: string[] = []
    for (let n = 0; n < FIELDS.length + 1; n++) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate<string>('document.activeElement.name || document.activeElement.tagName'))
    }
    // The date's day, month and year are three stops; each choice of several is one.
    expect([...new Set(reached)].slice(0, 7)).toEqual([
      'name',
      'email',
      'phone',
      'size',
      'budget',
      'interests',
      'start',
    ])
    expect(reached).not.toContain('subject_line')
    await page.context().close()
  })

  it.each([true, false])('leads from each error to what can be filled in (script on: %s)', async (script) => {
    const form = await house.form({ fields: FIELDS })
    const page = await open(form.slug, { javaScriptEnabled: script })
    await page.getByRole('button', { name: 'Send' }).click()
    const links = page.getByRole('alert').getByRole('link')
    expect(await links.allTextContents()).toEqual([
      'Work e-mail',
      'What are you interested in?',
      'You may keep my answers to write back to me.',
    ])
    const reached: (string | null)[] = []
    for (const link of await links.all()) {
      await link.focus()
      await page.keyboard.press('Enter')
      reached.push(await page.locator(':focus').getAttribute('name'))
    }
    expect(reached).toEqual(['email', 'interests', 'terms'])
    for (const name of ['email', 'terms']) {
      expect(await page.locator(`[name=${name}]`).getAttribute('aria-invalid')).toBe('true')
    }
    await page.context().close()
  })

  it.each(SCREENS)('has no barriers on any of its pages, and fits the screen ($name)', async ({ name, ...screen }) => {
    const form = await house.form({ fields: FIELDS, name: 'Book a demo', limits: { honeypot: 'subject_line' } })
    const page = await open(form.slug, screen)
    const complaints = complaintsOfPage(page)
    const look = async (what: string) => {
      expect([what, await findBarriers(page)]).toEqual([what, []])
      expect(await page.locator('html').evaluate((root) => root.scrollWidth <= root.clientWidth)).toBe(true)
      if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${what}-${name}.png`, fullPage: true })
    }
    await look('form')
    await page.getByLabel('Work e-mail').fill('ada@')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('alert').waitFor()
    await look('errors')
    await page.getByLabel('Work e-mail').fill('ada@example.com')
    await page.getByLabel('Support').check()
    await page.getByLabel('You may keep').check()
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('heading', { name: 'Thank you' }).waitFor()
    await look('thanks')
    await house.rows(`update form set status = 'PAUSED' where workspace_id = $1`)
    await page.goto(`${server.url}/f/${house.slug}/${form.slug}`)
    await page.getByText('takes nothing at the moment').waitFor()
    await look('closed')
    await page.goto(`${server.url}/f/${house.slug}/no-such-form`)
    await page.getByRole('heading', { name: 'There is no such form' }).waitFor()
    await look('unknown')
    // The browser's own words about the answers that were no success; nothing was refused by a policy.
    expect(complaints.filter((text) => !/status of (410|404|422)/.test(text))).toEqual([])
    await page.context().close()
  })
})
