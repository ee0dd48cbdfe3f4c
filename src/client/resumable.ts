import type { Client } from 'graphql-ws'

/**
 * A graphql-ws client whose subscriptions go on where they stopped: after a reconnect each asks for what came after the
 * last item it has had, so nothing is missed and nothing comes twice. Fits whatever takes a graphql-ws client (urql,
 * Apollo, Relay).
 */
export function resumable(client: Client): Client {
  return {
    ...client,
    subscribe(payload, sink) {
      const extensions: Record<string, unknown> = { ...payload.extensions }
      return client.subscribe(
        { ...payload, extensions },
        {
          next(result) {
            const { cursor } = (result.extensions ?? {}) as { cursor?: string }
            if (cursor !== undefined) extensions.after = cursor
            sink.next(result as never)
          },
          error: (err) => sink.error(err),
          complete: () => sink.complete(),
        },
      )
    },
  }
}
