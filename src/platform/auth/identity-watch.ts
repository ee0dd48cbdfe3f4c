// Long streams and the credentials they were opened with.
//
// A request is authenticated once; a subscription may live for days. Whoever keeps a stream open registers it here: at
// short intervals its credential is looked up anew (one look-up per key, however many streams it has), and a stream whose
// key was revoked, has expired or holds other permissions is ended. The client comes back with what it may. Looked up
// anew and not as it was kept: the two delays together would be longer than the two seconds that are promised.

import { isAppError } from '../lib/errors.ts'
import type { Authenticator } from './authenticate.ts'
import { type Credential, credentialKey, identify } from './credential.ts'
import type { Viewer } from './viewer.ts'

export interface WatchedStream {
  readonly credential: Credential
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

  const end = (ofKey: readonly WatchedStream[], why: (stream: WatchedStream) => 'expired' | 'revoked' | undefined) => {
    for (const stream of ofKey) {
      const reason = why(stream)
      if (reason !== undefined && streams.delete(stream)) stream.ended(reason)
    }
  }

  const check = async (credential: Credential, ofKey: readonly WatchedStream[]): Promise<void> => {
    try {
      const { viewer } = await identify(authenticator, credential, { anew: true })
      end(ofKey, (stream) => (sameRights(viewer, stream.viewer) ? undefined : 'revoked'))
    } catch (err) {
      // Not knowing (the database is away) is no reason to cut anybody off.
      if (!isAppError(err) || err.code !== 'UNAUTHENTICATED') return
      end(ofKey, () => (err.message.includes('expired') ? 'expired' : 'revoked'))
    }
  }

  const timer = setInterval(() => {
    for (const { credential, ofKey } of byKey(streams)) void check(credential, ofKey)
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

interface Watched {
  readonly credential: Credential
  readonly ofKey: WatchedStream[]
}

function byKey(streams: Iterable<WatchedStream>): Iterable<Watched> {
  const groups = new Map<string, Watched>()
  for (const stream of streams) {
    const { credential } = stream
    const key = credentialKey(credential)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { credential, ofKey: [stream] })
    else group.ofKey.push(stream)
  }
  return groups.values()
}

function sameRights(a: Viewer, b: Viewer): boolean {
  if (a.kind === 'apiKey' && b.kind === 'apiKey') return a.keyId === b.keyId && sameSet(a.permissions, b.permissions)
  if (a.kind === 'member' && b.kind === 'member') {
    return a.sessionId === b.sessionId && a.memberId === b.memberId && sameSet(a.permissions, b.permissions)
  }
  if (a.kind === 'account' && b.kind === 'account') return a.sessionId === b.sessionId
  return a.kind === b.kind
}

const sameSet = (a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each))
