// Long streams and the credentials they were opened with.
//
// A request is authenticated once; a subscription may live for days. Whoever keeps a stream open registers it here: at
// short intervals its credential is looked up again (one look-up per key, however many streams it has), and a stream
// whose key was revoked, has expired or holds other permissions is ended. The client comes back with what it may.

import { isAppError } from '../lib/errors.ts'
import type { Authenticator } from './authenticate.ts'
import type { Viewer } from './viewer.ts'

export interface WatchedStream {
  readonly authorization: string | undefined
  readonly viewer: Viewer
  /** Called once, when the credential no longer stands for the viewer. */
  ended(reason: 'expired' | 'revoked'): void
}

export interface IdentityWatch {
  /** Returns what forgets the stream again. */
  add(stream: WatchedStream): () => void
  close(): void
}

export function createIdentityWatch(authenticator: Authenticator, everyMs = 1_500): IdentityWatch {
  const streams = new Set<WatchedStream>()

  const check = async (stream: WatchedStream): Promise<void> => {
    try {
      const { viewer } = await authenticator.authenticate(stream.authorization)
      if (sameRights(viewer, stream.viewer) || !streams.delete(stream)) return
      stream.ended('revoked')
    } catch (err) {
      // Not knowing (the database is away) is no reason to cut anybody off.
      if (!isAppError(err) || err.code !== 'UNAUTHENTICATED' || !streams.delete(stream)) return
      stream.ended(err.message.includes('expired') ? 'expired' : 'revoked')
    }
  }

  const timer = setInterval(() => {
    for (const stream of streams) void check(stream)
  }, everyMs)
  timer.unref()

  return {
    add: (stream) => {
      if (stream.viewer.kind === 'anonymous') return () => {}
      streams.add(stream)
      return () => {
        streams.delete(stream)
      }
    },
    close: () => {
      clearInterval(timer)
      streams.clear()
    },
  }
}

function sameRights(a: Viewer, b: Viewer): boolean {
  if (a.kind !== 'apiKey' || b.kind !== 'apiKey') return a.kind === b.kind
  return (
    a.keyId === b.keyId &&
    a.permissions.size === b.permissions.size &&
    [...a.permissions].every((permission) => b.permissions.has(permission))
  )
}
