import { expect, test } from 'vitest'
import type { Requester } from '../../client/request.ts'
import { compareWithLog } from './own-server.ts'

/** A server whose log holds these events, two to a page. */
function logOf(ids: readonly string[]): Requester {
  const request = async (_document: unknown, { after }: { readonly after: string | null }) => {
    const from = after === null ? 0 : Number(after)
    const nodes = ids.slice(from, from + 2).map((id) => ({ id }))
    const hasNextPage = from + 2 < ids.length
    return { events: { nodes, pageInfo: { hasNextPage, endCursor: hasNextPage ? String(from + 2) : null } } }
  }
  return request as unknown as Requester
}

const LOG = ['a', 'b', 'c', 'd', 'e']

test.each([
  ['all in order', ['a', 'b', 'c', 'd', 'e'], { missing: 0, twice: 0, inOrder: true }],
  ['one twice', ['a', 'b', 'b', 'c', 'd', 'e'], { missing: 0, twice: 1, inOrder: true }],
  ['two the wrong way round', ['a', 'c', 'b', 'd', 'e'], { missing: 0, twice: 0, inOrder: false }],
  ['one that is not in the log for one that is', ['a', 'b', 'c', 'd', 'x'], { missing: 1, twice: 0, inOrder: false }],
])('a watcher who had %s is told so by the whole log, page after page', async (_name, received, told) => {
  expect(await compareWithLog('0', received, logOf(LOG))).toEqual({ events: 5, ...told })
})

test('what is still arriving is waited for before anything is called missing', async () => {
  const received = ['a', 'b']
  const comparing = compareWithLog('0', received, logOf(LOG))
  setImmediate(() => received.push('c', 'd', 'e'))
  expect(await comparing).toEqual({ events: 5, missing: 0, twice: 0, inOrder: true })
})
