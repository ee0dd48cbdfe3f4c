import type { BrowserContext, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { type ExampleTitle, examples, type Newest } from '../../src/explorer/examples.ts'
import { ask, type Place } from './visitor.ts'

/** What the examples are tried on: the newest run, and the newest approval that waits. */
export async function newestOf(server: Place): Promise<Newest> {
  const { runs, approvals } = await ask<{ runs: { nodes: { id: string }[] }; approvals: { nodes: { id: string }[] } }>(
    server,
    '{ runs(first: 1) { nodes { id } } approvals(status: [PENDING], first: 1) { nodes { id } } }',
  )
  const [run, approval] = [runs.nodes[0]?.id, approvals.nodes[0]?.id]
  return { ...(run === undefined ? {} : { run }), ...(approval === undefined ? {} : { approval }) }
}

/** The field whose answer an example shows. */
export const rootFieldOf = (title: ExampleTitle): string =>
  /^ {2}(\w+)/m.exec(examples.find((each) => each.title === title)?.query ?? '')?.[1] ?? ''

/** GraphiQL in a window, used as people use it. */
export class GraphiqlWindow {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  static async open(profile: BrowserContext, address: string): Promise<GraphiqlWindow> {
    const page = await profile.newPage()
    await page.goto(address)
    await page.locator('.graphiql-execute-button').waitFor()
    // The schema is there when the documentation can be opened.
    await page.locator('.graphiql-query-editor .view-line').first().waitFor()
    return new GraphiqlWindow(page)
  }

  /** A tab of GraphiQL's holds two buttons: its own, and the one that closes it. */
  tab(title: string): Locator {
    return this.page.getByRole('tab').filter({ has: this.page.getByRole('button', { name: title, exact: true }) })
  }

  /** What stands in the answer's pane, blanks as blanks. */
  async answer(): Promise<string> {
    return (await this.page.locator('.result-window').innerText()).replaceAll('\u00a0', ' ')
  }

  /** When the pane first shows what occurred after now, both by this machine's clock; rejects after half a minute. */
  toldAt(): Promise<number> {
    return this.page.locator('.result-window').evaluate(
      (pane) =>
        new Promise<number>((resolve, reject) => {
          const now = Date.now()
          const look = () => {
            const [, moment = ''] = /"occurredAt":\s*"([^"]+)"/.exec(pane.textContent ?? '') ?? []
            if (Date.parse(moment) > now) resolve(Date.now())
          }
          new MutationObserver(look).observe(pane, { childList: true, characterData: true, subtree: true })
          setTimeout(() => reject(new Error('nothing was told')), 30_000)
        }),
    )
  }

  /** Shows a tab, with one press. */
  async show(title: string): Promise<void> {
    await this.tab(title).getByRole('button', { name: title, exact: true }).click()
    await expect.poll(() => this.tab(title).getAttribute('aria-selected')).toBe('true')
  }

  /**
   * Presses Play until the answer holds the text: GraphiQL reads the operation of a tab a moment after it shows it, and
   * plays the one before until then.
   */
  async play(holds: string): Promise<string> {
    const idle = this.page.getByRole('button', { name: /^Execute/ })
    const press = async () => {
      const shown = await this.answer()
      if (shown.includes(holds)) return shown
      if (await idle.isVisible()) await idle.click()
      return ''
    }
    await expect.poll(press, { timeout: 20_000, interval: 300 }).toContain(holds)
    return await this.answer()
  }

  close(): Promise<void> {
    return this.page.close()
  }
}
