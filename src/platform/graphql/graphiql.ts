import type { IncomingMessage } from 'node:http'
import type { GraphiQLOptions } from 'graphql-yoga'

/** Options of the page, with two that Yoga hands on to GraphiQL without naming them. */
export type PageOptions = GraphiQLOptions & {
  /** Of the operation that the address names, as JSON. */
  readonly variables?: string
  /** Of that operation as well; `headers` are those of a new tab, and of the first look at the schema. */
  readonly initialHeaders?: string
}

/** A page that was asked for. */
export interface PageRequest {
  /** Whether it may carry a key: see `comesFromHere`. */
  readonly signedIn: boolean
  /** The address, with the operation that a link names. */
  readonly url: URL
}

/**
 * What the page opens with; made for each request, so that examples can name the newest things. The options are written
 * into a script of the page: nothing of the address goes into them that holds a `<`.
 */
export type GraphiqlPage = (request: PageRequest) => Promise<PageOptions> | PageOptions

const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?$/i
const LOOPBACK_ADDRESS = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/i

/**
 * Whether a person on this machine opened the address: called by its loopback name (a name of somebody else's may point
 * here), through no proxy, and neither from a page of another site nor by a script.
 */
export function comesFromHere({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  const host = LOOPBACK_HOST.exec(headers.host ?? '')
  if (host === null || Number(host[1] ?? 80) !== socket.localPort) return false
  if (!LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '')) return false
  if (Object.keys(headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-'))) return false
  const site = headers['sec-fetch-site'] ?? 'none'
  const mode = headers['sec-fetch-mode'] ?? 'navigate'
  return (site === 'none' || site === 'same-origin') && mode === 'navigate'
}

/**
 * The GraphiQL page with its script, style and workers inside, so that it works without a network. Its 9 MB are loaded
 * when somebody asks for the page first.
 */
export async function renderGraphiql(page: GraphiqlPage, request: PageRequest): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const options = { title: 'Cadre', ...(await page(request)) }
  return renderGraphiQL(options).trimStart()
}
