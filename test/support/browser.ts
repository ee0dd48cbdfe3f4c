import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'

export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
export const hasChromium = existsSync(CHROMIUM)
if (!hasChromium) process.stderr.write(`There is no Chromium at ${CHROMIUM}: pages are NOT tested in a browser.\n`)

/** No page asks anything of anybody but its server, so browsers have no network but this machine. */
const NO_NETWORK = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', NO_NETWORK] })

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds wrong with the page as it is shown now: each with the rule and the element. */
export async function findBarriers(page: Page): Promise<string[]> {
  // Past the page's own policy, which would not let it run.
  const session = await page.context().newCDPSession(page)
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `${AXE}\n;axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text)
  return result.value as string[]
}

/** What the page says that it should not have to: errors, refused loads, violations of its policy. */
export function complaintsOfPage(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (err) => complaints.push(String(err)))
  return complaints
}

/** Both widths in both colours, as people hold and set their screens. */
export const SCREENS = [
  { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  { name: 'desktop-light', viewport: { width: 1_280, height: 900 }, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: { width: 1_280, height: 900 }, colorScheme: 'dark' },
] as const

/** Where pictures of pages are left for people to look at, when somebody asks for them. */
export const PICTURES = process.env.PAGE_PICTURES
