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

/**
 * The GraphiQL page with its script, style and workers inside, so that it works without a network. Its 9 MB are loaded
 * when somebody asks for the page first.
 */
export async function renderGraphiql(page: GraphiqlPage, request: PageRequest): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const options = { title: 'Cadre', ...(await page(request)) }
  return renderGraphiQL(options).trimStart()
}
