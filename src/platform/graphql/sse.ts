import type { ExecutionResult } from 'graphql'

const KEEP_ALIVE_MS = 12_000

/**
 * Answers as server-sent events: `next` for each, with the cursor as its id, and `complete` at the end. Browsers and
 * graphql-sse clients send the last id back as Last-Event-ID when they reconnect.
 */
export function eventStream(
  answers: AsyncIterable<ExecutionResult> | ExecutionResult,
  write: (answer: ExecutionResult) => string = JSON.stringify,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator =
    Symbol.asyncIterator in answers
      ? answers[Symbol.asyncIterator]()
      : (async function* () {
          yield answers
        })()
  let keepAlive: NodeJS.Timeout | undefined
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      // Something at once, so that clients learn that the stream is open.
      controller.enqueue(encoder.encode(':\n\n'))
      keepAlive = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(':\n\n'))
      }, KEEP_ALIVE_MS)
    },
    pull: async (controller) => {
      const answer = await iterator.next()
      if (answer.done === true) {
        clearInterval(keepAlive)
        controller.enqueue(encoder.encode('event: complete\ndata:\n\n'))
        controller.close()
        return
      }
      const cursor = (answer.value.extensions as { readonly cursor?: string } | undefined)?.cursor
      const id = cursor === undefined ? '' : `id: ${cursor}\n`
      controller.enqueue(encoder.encode(`event: next\n${id}data: ${write(answer.value)}\n\n`))
    },
    cancel: async () => {
      clearInterval(keepAlive)
      await iterator.return?.()
    },
  })
}
