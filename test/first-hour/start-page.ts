import { describe, expect, test } from 'vitest'
import { ask, type Page, visit } from '../front-door/visitor.ts'
import { findBarriers, hasChromium, PICTURES, SCREENS } from '../support/browser.ts'
import type { Hour } from './hour.ts'

const hrefsOf = (body: string): string[] =>
  [...body.matchAll(/href="(\/[^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&').replaceAll('&#39;', "'"))

/** Looks at the page at `/`, and follows its links. */
export function openStartPage(hour: Hour): void {
  const visitPath = (path: string): Promise<Page> => visit(`${hour.newcomer.url}${path}`)

  describe('the page at /', () => {
    test('names both employees, carries no key, and leads only where something is', async () => {
      const { body } = await visitPath('/')
      for (const name of ['Iris', 'Marco']) expect(body).toContain(name)
      expect(body).not.toContain(hour.newcomer.key)
      expect(body).not.toMatch(/cadre_(?:test|live)_/)
      const links = hrefsOf(body)
      expect(links.filter((link) => link.startsWith('/graphql?query=')).length).toBeGreaterThan(7)
      expect(links).toContain('/f/demo/book-a-demo')
      for (const link of links) expect([link, (await visitPath(link)).status]).toEqual([link, 200])
    })

    test('leads to operations that answer as they stand', async () => {
      const { body } = await visitPath('/')
      const queries = hrefsOf(body)
        .filter((link) => link.startsWith('/graphql?'))
        .map((link) => new URL(link, hour.newcomer.url).searchParams.get('query') ?? '')
        .filter((query) => /^(#.*\n)*\s*query /.test(query))
      expect(queries.length).toBeGreaterThanOrEqual(4)
      for (const query of queries) await ask(hour.newcomer, query)
    })

    test.skipIf(!hasChromium).each(SCREENS)(
      'has no barriers and fits the screen ($name)',
      async ({ name, ...screen }) => {
        const { page, complaints } = await hour.visit('/', screen)
        await page.locator('#state[data-state=live]').waitFor()
        expect(await findBarriers(page)).toEqual([])
        const fits = await page.locator('main').evaluate((main) => main.scrollWidth <= main.clientWidth)
        const wide = await page.locator('html').evaluate((root) => root.scrollWidth <= root.clientWidth)
        expect([fits, wide]).toEqual([true, true])
        if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/start-${name}.png`, fullPage: true })
        expect(complaints).toEqual([])
        await page.context().close()
      },
    )

    test.skipIf(!hasChromium)('works without a script: everything is there, and it says as of when', async () => {
      const { page } = await hour.visit('/', { javaScriptEnabled: false })
      for (const name of ['Iris', 'Marco']) await page.getByText(name, { exact: true }).waitFor()
      expect(await page.locator('#state').textContent()).toMatch(/^as of \d\d:\d\d, reload/)
      const besides = page.context().waitForEvent('page')
      await page.getByRole('link', { name: 'Fill in the form' }).click()
      await (await besides).getByRole('heading', { name: 'Book a demo' }).waitFor()
      await page.context().close()
    })
  })
}
