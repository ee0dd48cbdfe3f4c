import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../observability/logger.ts'
import { shownPath } from './shown-path.ts'

/** Answers what CORS asks; true when the request is done with (a preflight). */
export type Cors = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>

/** No other origin may read our answers. */
export const noCors: Cors = async () => false

export interface CorsOptions {
  /** Origins that may call us from a browser: `https://app.example.com`. */
  readonly origins: readonly string[]
  /** Whether every origin on this machine may, whatever its port: for development. */
  readonly loopback: boolean
  /** Who else decides, at a path of theirs, whether an origin may call; undefined: the above does. */
  readonly ruleAt?: (path: string, origin: string) => Promise<boolean | undefined>
  /** The name of the setting that lists the origins; stands in the log when one is refused. */
  readonly setting: string
  readonly log: Logger
}

/** Whether a text is an origin as browsers write it: no path, no slash at the end, and no star for some part of it. */
export const isWebOrigin = (text: string): boolean =>
  !text.includes('*') && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const HEADERS = 'authorization, content-type, idempotency-key, last-event-id, x-cadre-workspace, x-request-id'
const EXPOSED = 'x-request-id, retry-after'

/** CORS for the listed origins. A cookie counts for pages of ours alone, so credentials get no leave. */
export function createCors({ origins, loopback, ruleAt, setting, log }: CorsOptions): Cors {
  const listed = new Set(origins)
  const refused = new Set<string>()
  const allowed = (origin: string): boolean =>
    listed.has(origin) || (loopback && URL.canParse(origin) && LOOPBACK.has(new URL(origin).hostname))
  return async (request, response, url) => {
    const { origin, host } = request.headers
    // Also where there is none: what a cache keeps of such an answer names no origin that may read it.
    response.appendHeader('vary', 'origin')
    if (origin === undefined) return false
    const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined
    const isOwn = origin === `http://${host}` || origin === `https://${host}`
    const ruled = isOwn ? undefined : await ruleAt?.(url.pathname, origin)
    if (!(ruled ?? allowed(origin))) {
      if (!isOwn && ruled === undefined && !refused.has(origin)) {
        // Once per origin, or a page with a timer fills the log.
        if (refused.size < 1_000) refused.add(origin)
        const path = shownPath(url.pathname)
        log.info({ origin, path, setting }, 'an origin may not call this server: add it to the setting')
      }
      if (!preflight) return false
      response.writeHead(403).end()
      return true
    }
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-expose-headers', EXPOSED)
    if (!preflight) return false
    response.writeHead(204, {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': HEADERS,
      'access-control-max-age': '600',
    })
    response.end()
    return true
  }
}
