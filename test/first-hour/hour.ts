import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { complaintsOfPage, hasChromium, launchBrowser } from '../support/browser.ts'
import { Newcomer } from './newcomer.ts'

/** A newcomer with a clone, a terminal and a browser: there for all tests of the file. */
export class Hour {
  #newcomer: Newcomer | undefined
  #browser: Browser | undefined
  /** What pages asked of anybody but the newcomer's server. */
  readonly strangers: string[] = []

  async begin(): Promise<void> {
    this.#newcomer = await Newcomer.arrive()
    if (hasChromium) this.#browser = await launchBrowser()
  }

  async end(): Promise<void> {
    await this.#browser?.close()
    await this.#newcomer?.leave()
  }

  get newcomer(): Newcomer {
    if (this.#newcomer === undefined) throw new Error('the newcomer has not arrived yet')
    return this.#newcomer
  }

  /** A profile of the browser's, with nothing in it. */
  async openProfile(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    if (this.#browser === undefined) throw new Error('there is no browser')
    const profile = await this.#browser.newContext(options)
    profile.on('request', (request) => {
      const url = request.url()
      if (!/^(blob|data):/.test(url) && !url.startsWith(`${this.newcomer.url}/`)) this.strangers.push(url)
    })
    return profile
  }

  /** Goes to a path of the server's in a profile of its own, which is closed with `page.context().close()`. */
  async visit(path: string, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await this.openProfile(options)).newPage()
    const complaints = complaintsOfPage(page)
    await page.goto(`${this.newcomer.url}${path}`)
    return { page, complaints }
  }
}

export function openHour(): Hour {
  const hour = new Hour()
  beforeAll(() => hour.begin())
  afterAll(() => hour.end())
  return hour
}
