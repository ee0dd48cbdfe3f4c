import type { IncomingMessage } from 'node:http'

// Who sits at this machine may read what lies in its files, the demo's key among them; who calls it over the network, or
// from a page of somebody else's in a browser here, may not. A browser cannot be made to lie about the headers below.

type Asking = Pick<IncomingMessage, 'headers' | 'socket'>

const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?$/i
const LOOPBACK_ADDRESS = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/i

/**
 * Whether a person on this machine opened the address: called by its loopback name (a name of somebody else's may point
 * here), through no proxy, and neither from a page of another site nor by a script.
 */
export function comesFromHere(asking: Asking): boolean {
  const site = asking.headers['sec-fetch-site'] ?? 'none'
  const mode = asking.headers['sec-fetch-mode'] ?? 'navigate'
  return isOnThisMachine(asking) && (site === 'none' || site === 'same-origin') && mode === 'navigate'
}

/** Whether a script of a page asks that `comesFromHere` was true for; a page of another origin is refused. */
export function comesFromPageHere(asking: Asking): boolean {
  const { host, origin } = asking.headers
  const site = asking.headers['sec-fetch-site'] ?? 'same-origin'
  return isOnThisMachine(asking) && site === 'same-origin' && (origin === undefined || origin === `http://${host}`)
}

/** Whether the caller calls us by a name that always means this machine, and by our port. */
export function usesOwnName({ headers, socket }: Asking): boolean {
  const host = LOOPBACK_HOST.exec(headers.host ?? '')
  return host !== null && Number(host[1] ?? 80) === socket.localPort
}

function isOnThisMachine(asking: Asking): boolean {
  const { headers, socket } = asking
  if (!usesOwnName(asking)) return false
  if (!LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '')) return false
  return !Object.keys(headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-'))
}
