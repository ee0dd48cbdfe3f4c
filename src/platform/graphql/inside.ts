import type { Viewer } from '../auth/viewer.ts'
import { unavailable } from '../lib/errors.ts'
import { contextFactory, type Services } from './context-factory.ts'
import type { Engine } from './engine.ts'

/** A query as code generation writes it: its text, with the types of what goes in and of what comes out. */
export interface TypedQuery<Data, Variables> {
  toString(): string
  readonly __apiType?: (variables: Variables) => Data
}

/** As whom a page of the house's own asks, and in which workspace. */
export interface InsideAsker {
  readonly viewer: Viewer
  readonly workspaceId: string
  readonly requestId: string
}

/** Resolves to the whole data. Throws UNAVAILABLE where the API says so; any other error is a fault. */
export type AskInside = <Data, Variables>(
  asker: InsideAsker,
  query: TypedQuery<Data, Variables>,
  variables: Variables,
) => Promise<Data>

/** The API for pages that are made in this process: what everybody is answered, with the same limits, past the wire. */
export const askInside =
  (engine: Engine, services: Services): AskInside =>
  async (asker, query, variables) => {
    const { viewer, workspaceId, requestId } = asker
    const prepared = engine.prepare({
      query: query.toString(),
      variables: variables as Readonly<Record<string, unknown>>,
    })
    const origin = { requestId }
    const { data, errors } =
      'errors' in prepared
        ? engine.refusal(prepared)
        : await engine.execute(prepared, contextFactory(services, { viewer, workspaceId, origin, requestUrl: '' }))
    const [error] = errors ?? []
    if (error?.extensions.code === 'UNAVAILABLE') throw unavailable(error.message)
    if (error !== undefined) throw new Error(`a page's own query was refused: ${error.message}`, { cause: error })
    return data as never
  }
