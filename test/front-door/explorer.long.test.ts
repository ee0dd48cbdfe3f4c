import { parse, validate } from 'graphql'
import { beforeAll, expect, test } from 'vitest'
import { type ExampleTitle, exampleLinks, examples, type Newest } from '../../src/explorer/examples.ts'
import { schema } from '../../src/schema.ts'
import { hasChromium, launchBrowser } from '../support/browser.ts'
import { GraphiqlWindow, newestOf, rootFieldOf } from './graphiql.ts'
import { openHouse } from './house.ts'
import { ask, sendLead, serverSentEvents } from './visitor.ts'

// That the tabs work in GraphiQL itself is shown in the first hour.

const house = openHouse()
let newest: Newest

beforeAll(async () => {
  newest = await arrange()
})

/** Leads until an employee asks before it acts; then there is something to show in every tab. */
async function arrange(): Promise<Newest> {
  for (let lead = 0; ; lead++) {
    await sendLead(house.server, `lead-${lead}@nimbus.example`)
    const found = await newestOf(house.server)
    if (found.run !== undefined && found.approval !== undefined) return found
  }
}

const operationOf = (title: ExampleTitle) => {
  const example = examples.find((each) => each.title === title)
  if (example === undefined) throw new Error(`there is no example ${title}`)
  return { query: example.query, variables: example.variables(newest) ?? {} }
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

test.skipIf(!hasChromium)(
  'GraphiQL says so in the pane when the server goes away while a subscription runs',
  async () => {
    const browser = await launchBrowser()
    const link = exampleLinks(newest).get('WatchEverything')
    const graphiql = await GraphiqlWindow.open(await browser.newContext(), `${house.server.url}${link}`)
    await graphiql.play('"summary"')
    await house.server.kill()
    await expect.poll(() => graphiql.answer(), { timeout: 20_000 }).toMatch(/error|network|fetch/i)
    await browser.close()
  },
)
