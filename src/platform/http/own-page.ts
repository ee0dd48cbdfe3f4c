import type { IncomingMessage } from 'node:http'

type Asking = Pick<IncomingMessage, 'headers' | 'method'>

/**
 * Whether a request that a browser sends a cookie along with comes from a page of ours, and not from one that wants to act
 * in somebody's name. Browsers say it in Sec-Fetch-Site, and older ones in Origin; neither can be made up by a page. What
 * changes nothing may also be a person's own doing (an address typed, a bookmark), of which old browsers say nothing at
 * all; what may change something must be said to come from here. `publicUrl` is our address as the world has it; without
 * it we are where the browser says it has called.
 */
export function comesFromOwnPage({ headers, method }: Asking, publicUrl: string | undefined): boolean {
  const site = headers['sec-fetch-site']
  const { origin, host, upgrade } = headers
  const changesNothing = (method === 'GET' || method === 'HEAD') && upgrade === undefined
  if (site !== undefined) return site === 'same-origin' || (changesNothing && site === 'none')
  if (origin === undefined) return changesNothing
  if (publicUrl !== undefined) return origin === new URL(publicUrl).origin
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}

/** The origin of the page that sends a request, where it is none of ours; undefined for programs, too, which say none. */
export const foreignOrigin = (asking: Asking, publicUrl: string | undefined): string | undefined =>
  comesFromOwnPage(asking, publicUrl) ? undefined : asking.headers.origin
