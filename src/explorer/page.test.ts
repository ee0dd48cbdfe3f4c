import { parse } from 'graphql'
import { describe, expect, test, vi } from 'vitest'
import type { Identity } from '../platform/auth/authenticate.ts'
import type { PageOptions } from '../platform/graphql/graphiql.ts'
import { exampleLinks, examples, type Newest } from './examples.ts'
import { explorerPage } from './page.ts'

const NEWEST: Newest = { run: 'run_1', approval: 'approval_1' }

async function open(address: string, isHere = true, session?: Identity): Promise<PageOptions> {
  const page = explorerPage({ key: 'the-key', newest: async () => NEWEST })
  return await page({ isHere, session, url: new URL(address, 'http://localhost') })
}

const titlesOf = (options: PageOptions): string[] =>
  (options.defaultTabs ?? []).map(({ query }) => /(?:query|mutation|subscription) (\w+)/.exec(query ?? '')?.[1] ?? '')

describe('the explorer', () => {
  test('opens with every example, signed in, its variables naming what is newest', async () => {
    const options = await open('/graphql')
    expect(titlesOf(options)).toEqual(examples.map(({ title }) => title))
    const { headers } = options
    expect(JSON.parse(headers ?? '')).toEqual({ authorization: 'Bearer the-key' })
    expect(options.initialHeaders).toBe(headers)
    expect(options.defaultTabs?.every((tab) => tab.headers === headers)).toBe(true)
    const variables = (title: string) => options.defaultTabs?.[titlesOf(options).indexOf(title)]?.variables ?? ''
    expect(JSON.parse(variables('WatchARun'))).toEqual({ run: 'run_1' })
    expect(JSON.parse(variables('Decide'))).toEqual({ id: 'approval_1' })
  })

  test('gives away neither the key nor what is newest to whom it does not sign in', async () => {
    const newest = vi.fn(async () => NEWEST)
    const page = explorerPage({ key: 'the-key', newest })
    const options = JSON.stringify(
      await page({ isHere: false, session: undefined, url: new URL('http://localhost/graphql') }),
    )
    expect(options).not.toMatch(/the-key|run_1|approval_1/)
    expect(newest).not.toHaveBeenCalled()
  })

  test('carries no key for who is signed in, nor one that their browser has stored, and names what is theirs', async () => {
    const newest = vi.fn(async () => NEWEST)
    const page = explorerPage({ key: 'the-key', newest })
    const viewer = { kind: 'account', accountId: 'a', sessionId: 's', name: 'Ada' } as const
    const url = new URL('http://localhost/graphql')
    const options = await page({ isHere: true, session: { viewer, workspaceId: 'w' }, url })
    expect(JSON.stringify(options)).not.toContain('the-key')
    expect([options.headers, options.initialHeaders]).toEqual(['{}', '{}'])
    expect(options.defaultTabs?.every((tab) => tab.headers === '{}')).toBe(true)
    expect(newest.mock.calls).toEqual([[{ workspaceId: 'w' }]])
    await page({ isHere: true, session: { viewer, workspaceId: undefined }, url })
    expect(newest).toHaveBeenCalledTimes(1)
  })

  test('leaves out what there is nothing to try on', async () => {
    const page = explorerPage({ key: 'the-key', newest: async () => ({}) })
    const options = await page({ isHere: true, session: undefined, url: new URL('http://localhost/graphql') })
    expect(titlesOf(options)).not.toContain('WatchARun')
    expect(titlesOf(options)).toContain('Decide')
    expect([...exampleLinks({}).keys()]).toEqual(titlesOf(options))
  })

  test.each(examples.map(({ title }) => title))(
    'opens the link to %s as the first tab, with its variables',
    async (title) => {
      const link = exampleLinks(NEWEST).get(title) ?? ''
      const options = await open(link)
      expect(titlesOf(options)[0]).toBe(title)
      expect(new Set(titlesOf(options)).size).toBe(examples.length)
      expect(options.variables).toBe(options.defaultTabs?.[0]?.variables ?? '')
    },
  )

  test('opens a linked operation of somebody’s own before the examples', async () => {
    const options = await open(`/graphql?${new URLSearchParams({ query: 'query Deals { deals { totalCount } }' })}`)
    expect(titlesOf(options)).toEqual(['Deals', ...examples.map(({ title }) => title)])
    expect(options.defaultTabs?.[0]?.headers).toBe(options.headers)
  })

  test('fills in the variables of an example that the address names without them', async () => {
    const query = examples.find(({ title }) => title === 'Decide')?.query ?? ''
    const filled = await open(`/graphql?${new URLSearchParams({ query })}`)
    expect(JSON.parse(String(filled.variables))).toEqual({ id: 'approval_1' })
    const leftOver = await open(`/graphql?${new URLSearchParams({ query, variables: '{"answers":{}}' })}`)
    expect(JSON.parse(String(leftOver.variables))).toEqual({ id: 'approval_1' })
    const chosen = await open(`/graphql?${new URLSearchParams({ query, variables: '{"id":"approval_2"}' })}`)
    expect(JSON.parse(String(chosen.variables))).toEqual({ id: 'approval_2' })
  })

  test('takes any other operation from the address, and nothing that could end the script it stands in', async () => {
    const query = 'query ($text: String) { node(id: $text) { id } } # </script>'
    const evil = { text: '</script><script>alert(1)</script>' }
    const options = await open(`/graphql?${new URLSearchParams({ query, variables: JSON.stringify(evil) })}`)
    expect(JSON.stringify(options)).not.toContain('<')
    expect(options.defaultTabs).toBeUndefined()
    expect(JSON.parse(String(options.variables))).toEqual(evil)
    for (const variables of ['', '[1]', '{', '"text"', '{"other":1}']) {
      const { variables: taken } = await open(`/graphql?${new URLSearchParams({ query, variables })}`)
      expect([variables, taken]).toEqual([variables, ''])
    }
  })

  test('begins each example with a line or two that say what it shows', () => {
    for (const { title, query } of examples) {
      expect(query).toMatch(/^(# .+\n){1,2}(query|mutation|subscription) /)
      expect(parse(query).definitions).toMatchObject([{ name: { value: title } }])
    }
  })
})
