import demo from './client/gql/persisted-documents.json' with { type: 'json' }
import { examples } from './explorer/examples.ts'
import { documentIdOf } from './platform/graphql/trusted-documents.ts'

/** What the house itself sends, by its ids: the demo's documents, the start page's, and GraphiQL's tabs. Known everywhere. */
export const ownDocuments: ReadonlyMap<string, string> = new Map([
  ...Object.entries(demo as Readonly<Record<string, string>>),
  ...examples.map(({ query }): [string, string] => [documentIdOf(query), query]),
])
