import { randomBytes } from 'node:crypto'
import type { GraphiQLOptions } from 'graphql-yoga'
import type { Identity } from '../auth/authenticate.ts'
import { pageHeaders } from '../http/page-policy.ts'

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
  readonly isHere: boolean
  /** Who is signed in in the browser that asks: what it sends from the page goes in their name. Undefined for nobody. */
  readonly session: Identity | undefined
  /** The address, with the operation that a link names. */
  readonly url: URL
}

/**
 * What the page opens with; made for each request, so that examples can name the newest things. The options are written
 * into a script of the page: nothing of the address goes into them that holds a `<`.
 */
export type GraphiqlPage = (request: PageRequest) => Promise<PageOptions> | PageOptions

/**
 * A tab keeps the transform of the animation it came with, which the page hides until the tab has focus: a press gave it the
 * focus, it jumped away from under the pointer, and the click was lost.
 */
const STYLE = '<style>.graphiql-tab{transform:none!important}</style>'

/** A page and the headers that go with it and no other: they name its nonce. */
export interface GuardedPage {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The GraphiQL page with its script, style and workers inside, so that it works without a network. Its 9 MB are loaded
 * when somebody asks for the page first. The page may carry a key: its policy lets no script run but its own, and lets
 * nothing be sent to anybody but this server.
 */
export async function renderGraphiql(page: GraphiqlPage, request: PageRequest): Promise<GuardedPage> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const options = { title: 'Cadre', ...(await page(request)) }
  const nonce = randomBytes(16).toString('base64')
  return {
    // Its first script is its only one: the others are texts in it.
    body: renderGraphiQL(options).trimStart().replace('<script>', `${STYLE}<script nonce="${nonce}">`),
    headers: pageHeaders({
      scripts: [`'nonce-${nonce}'`],
      // Its editor makes styles as it goes.
      styles: ["'unsafe-inline'"],
      images: ['data:'],
      fonts: ['data:'],
      workers: ['blob:'],
      connections: ["'self'"],
      referrer: 'same-origin',
    }),
  }
}
