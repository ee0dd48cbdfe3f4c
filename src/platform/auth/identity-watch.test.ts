import { afterEach, expect, test, vi } from 'vitest'
import { unauthenticated } from '../lib/errors.ts'
import type { Identity } from './authenticate.ts'
import { createIdentityWatch, type IdentityWatch } from './identity-watch.ts'
import type { Permission, Viewer } from './viewer.ts'

const key = (...permissions: Permission[]): Viewer => ({
  kind: 'apiKey',
  keyId: 'k',
  memberId: 'm',
  name: 'Key',
  permissions: new Set(permissions),
})

const credential = { kind: 'header', authorization: 'Bearer k' } as const

let watch: IdentityWatch | undefined
afterEach(() => watch?.close())

/** Watches one stream of a key; resolves with why it ended, or with `undefined` once it has been looked at twice. */
function outcome(opened: Viewer, lookUp: () => Promise<Viewer>): Promise<string | undefined> {
  return new Promise((resolve) => {
    let looks = 0
    const authenticate = async (): Promise<Identity> => {
      looks += 1
      if (looks > 2) resolve(undefined)
      return { viewer: await lookUp(), workspaceId: 'w' }
    }
    watch = createIdentityWatch({ authenticate } as never, 1)
    watch.add({ credential, viewer: opened, ended: resolve })
  })
}

test('a stream goes on while its key holds what it held', async () => {
  expect(await outcome(key('DEALS_READ'), async () => key('DEALS_READ'))).toBeUndefined()
})

test('a stream is ended when its key holds less, more, or something else', async () => {
  const opened = key('DEALS_READ', 'FORMS_READ')
  expect(await outcome(opened, async () => key('DEALS_READ'))).toBe('revoked')
  expect(await outcome(opened, async () => key('DEALS_READ', 'GOALS_READ'))).toBe('revoked')
  expect(await outcome(opened, async () => ({ kind: 'anonymous' }))).toBe('revoked')
})

test('a stream is ended when its key was revoked or has expired, and is told which', async () => {
  const refused = (message?: string) => () => Promise.reject(unauthenticated(message))
  expect(await outcome(key(), refused('The key was revoked.'))).toBe('revoked')
  expect(await outcome(key(), refused('The key has expired.'))).toBe('expired')
})

test('however many streams a key has, it is looked up once a time, anew, and each of them is ended', async () => {
  const looks: unknown[] = []
  const ended = await new Promise<string[]>((resolve) => {
    const all: string[] = []
    const authenticate = async (authorization: string, options: unknown): Promise<Identity> => {
      looks.push([authorization, options])
      return { viewer: key(), workspaceId: 'w' }
    }
    watch = createIdentityWatch({ authenticate } as never, 1)
    for (let n = 0; n < 3; n++) {
      const stream = { credential, viewer: key('DEALS_READ') }
      watch.add({ ...stream, ended: (reason) => void (all.push(reason) === 3 && resolve(all)) })
    }
  })
  expect(ended).toEqual(['revoked', 'revoked', 'revoked'])
  expect(looks).toEqual([['Bearer k', { anew: true }]])
})

test('a stream goes on while nobody knows, as when the database is away', async () => {
  expect(await outcome(key(), () => Promise.reject(new Error('connection refused')))).toBeUndefined()
})

test('a stream that is forgotten, or of nobody, is not looked at', async () => {
  const authenticate = vi.fn()
  watch = createIdentityWatch({ authenticate } as never, 1)
  const ended = vi.fn()
  watch.add({ credential, viewer: key(), ended })()
  watch.add({ credential: { kind: 'none' }, viewer: { kind: 'anonymous' }, ended })()
  await outcomeOfAnother()
  expect(authenticate).not.toHaveBeenCalled()
  expect(ended).not.toHaveBeenCalled()
})

/** Until another watch of the same interval has looked at its stream. */
const outcomeOfAnother = async (): Promise<void> => {
  const mine = watch
  await outcome(key(), async () => key())
  watch?.close()
  watch = mine
}
