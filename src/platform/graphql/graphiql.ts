import type { GraphiQLOptions } from 'graphql-yoga'

/** What the page opens with; made for each request, so that examples can name the newest things. */
export type GraphiqlPage = () => Promise<GraphiQLOptions> | GraphiQLOptions

/**
 * The GraphiQL page with its script, style and workers inside, so that it works without a network. Its 9 MB are loaded
 * when somebody asks for the page first.
 */
export async function renderGraphiql(page: GraphiqlPage): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const options = { title: 'Cadre', ...(await page()) }
  return renderGraphiQL(options).trimStart()
}
