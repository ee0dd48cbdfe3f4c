import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { TypedDocumentString } from '../../client/gql/graphql.ts'
import { resumable } from '../../client/resumable.ts'

export interface Watcher {
  stop(): void
}

/** Follows a subscription from a cursor on, over every restart of the server, until it is stopped. */
export function watch<Data>(options: {
  readonly url: string
  readonly key: string
  readonly document: TypedDocumentString<Data, { readonly after?: string | null }>
  readonly after: string
  readonly onItem: (data: Data) => void
}): Watcher {
  const client = resumable(
    createClient({
      url: options.url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${options.key}` },
      retryAttempts: Number.POSITIVE_INFINITY,
      shouldRetry: () => true,
    }),
  )
  const unsubscribe = client.subscribe<Data>(
    { query: options.document.toString(), variables: { after: options.after } },
    {
      next: ({ data }) => {
        if (data != null) options.onItem(data)
      },
      error: () => {},
      complete: () => {},
    },
  )
  return {
    // The client is lazy: without a subscription it closes its socket by itself.
    stop: unsubscribe,
  }
}
