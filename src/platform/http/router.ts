import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PathItem } from './openapi.ts'

/** A request as a handler gets it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** The parts of the path that the pattern names: `/f/{workspace}/{form}`. */
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  /** The client's address, as far as it can be known. */
  readonly address: string | undefined
  /** Aborted when the client is gone before it has its answer. */
  readonly signal: AbortSignal
  /** Aborted when the server closes: answers that would go on for ever are cut, so that their clients come back. */
  readonly closing: AbortSignal
  /** The whole body, at most as large as the server allows; rejects with BodyTooLarge. */
  readBody(): Promise<Buffer>
}

export type Handler = (exchange: Exchange) => Promise<void> | void

/** A door: what it listens to, and who opens. A handler that throws an AppError answers with a problem. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'OPTIONS' | '*'
  /** `/f/{workspace}/{form}`: names in braces stand for one part of the path. */
  readonly path: string
  readonly handler: Handler
  /** What it is for programs: stands in `/openapi.json`. */
  readonly openapi?: PathItem
}

export type Match =
  | { readonly kind: 'found'; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong method'; readonly allowed: readonly string[] }
  | { readonly kind: 'nothing' }

interface Compiled {
  readonly route: Route
  readonly parts: readonly string[]
}

/** Finds the route of a request. Of several that fit, the first in the table wins. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match {
  const compiled: Compiled[] = routes.map((route) => ({ route, parts: route.path.split('/') }))
  return (method, path) => {
    const parts = path.split('/')
    const allowed = new Set<string>()
    for (const candidate of compiled) {
      const params = matchParts(candidate.parts, parts)
      if (params === undefined) continue
      const { route } = candidate
      // HEAD is GET without a body; node leaves the body out by itself.
      if (route.method === '*' || route.method === method || (route.method === 'GET' && method === 'HEAD')) {
        return { kind: 'found', route, params }
      }
      allowed.add(route.method)
    }
    return allowed.size === 0 ? { kind: 'nothing' } : { kind: 'wrong method', allowed: [...allowed] }
  }
}

function matchParts(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? ''
    if (expected.startsWith('{') && expected.endsWith('}')) {
      const value = decoded(part)
      if (value === undefined || value === '') return undefined
      params[expected.slice(1, -1)] = value
    } else if (expected !== part) {
      return undefined
    }
  }
  return params
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
