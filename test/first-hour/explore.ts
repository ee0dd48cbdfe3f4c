import type { BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exampleLinks, examples, type Newest } from '../../src/explorer/examples.ts'
import { GraphiqlWindow, newestOf, rootFieldOf } from '../front-door/graphiql.ts'
import { ask } from '../front-door/visitor.ts'
import { hasChromium, PICTURES } from '../support/browser.ts'
import type { Hour } from './hour.ts'

/** Plays every tab, and watches in one window what is sent in another. */
export function exploreGraphiql(hour: Hour): void {
  describe.skipIf(!hasChromium)('GraphiQL', () => {
    let profile: BrowserContext
    let newest: Newest

    beforeAll(async () => {
      profile = await hour.openProfile({ viewport: { width: 1280, height: 900 } })
      newest = await newestOf(hour.newcomer)
    })
    afterAll(() => profile?.close())

    const open = (path: string, within = profile) => GraphiqlWindow.open(within, `${hour.newcomer.url}${path}`)

    test('opens with the examples as tabs, and each gives data when it is played', async () => {
      const graphiql = await open('/graphql')
      for (const { title } of examples) expect(await graphiql.tab(title).count(), title).toBe(1)
      for (const { title } of examples) {
        await graphiql.show(title)
        const answer = await graphiql.play(`"${rootFieldOf(title)}": {`)
        expect(answer, title).not.toContain('"errors"')
        if (PICTURES !== undefined) await graphiql.page.screenshot({ path: `${PICTURES}/${title}.png` })
      }
      await graphiql.close()
    })

    test('shows in one window the sentence of what is sent in another', async () => {
      const links = exampleLinks(newest)
      await untilNobodyWorks()
      const watching = await open(`${links.get('WatchEverything')}`)
      await watching.play('"summary"')
      const sending = await open(`${links.get('SendALead')}`)
      const [told, sent] = [
        watching.toldAt(),
        sending.page.waitForRequest((request) => request.postData()?.includes('mutation SendALead') === true),
      ]
      await sending.play('SubmitFormPayload')
      const seconds = ((await told) - (await sent).timing().startTime) / 1_000
      expect(seconds).toBeGreaterThan(0)
      process.stdout.write(`A lead that is sent is told in the other window after ${seconds.toFixed(2)} s\n`)
      expect(await watching.answer()).toContain('"summary"')
      await watching.close()
      await sending.close()
    })

    test('runs a linked operation also where a browser has tabs of its own stored', async () => {
      const own = await hour.openProfile()
      await own.addInitScript(() => {
        const tabs = [{ id: 'a', hash: 'x', title: 'Mine', query: 'query Mine { __typename }', operationName: 'Mine' }]
        const whole = tabs.map((each) => ({ ...each, variables: '', headers: '', response: null }))
        localStorage.clear()
        localStorage.setItem('graphiql:tabState', JSON.stringify({ tabs: whole, activeTabIndex: 0 }))
        localStorage.setItem('graphiql:headers', '{"authorization":"Bearer nothing"}')
        localStorage.setItem('graphiql:variables', '{"mine":1}')
      })
      const links = exampleLinks(await newestOf(hour.newcomer))
      for (const title of ['WhoAmI', 'WatchARun', 'Decide'] as const) {
        const graphiql = await open(`${links.get(title)}`, own)
        await graphiql.tab('Mine').waitFor()
        expect(await graphiql.tab(title).getAttribute('aria-selected')).toBe('true')
        expect(await graphiql.play(`"${rootFieldOf(title)}": {`), title).not.toContain('"errors"')
        await graphiql.close()
      }
      await own.close()
    })

    /** What is told afterwards comes of what is done afterwards. */
    async function untilNobodyWorks(): Promise<void> {
      const query = '{ runs(filter: { status: { in: [QUEUED, RUNNING] } }) { totalCount } }'
      await expect.poll(() => ask(hour.newcomer, query)).toEqual({ runs: { totalCount: 0 } })
    }
  })
}
