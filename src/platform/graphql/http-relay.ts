import type { ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import type { Exchange } from '../http/router.ts'
import { unauthenticated } from '../lib/errors.ts'
import { topLevelError } from './errors.ts'

/** A stream that ends when its credential does. */
export function guarded(
  answers: AsyncGenerator<ExecutionResult>,
  watch: (ended: () => void) => () => void,
): AsyncIterable<ExecutionResult> {
  let revoked = false
  const forget = watch(() => {
    revoked = true
    void answers.return(undefined)
  })
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const answer = await answers.next()
        if (answer.done !== true) return answer
        forget()
        if (!revoked) return answer
        revoked = false
        return {
          done: false,
          value: { errors: [topLevelError(unauthenticated('This key or session is no longer valid.'))] },
        }
      },
      return: async () => {
        forget()
        return await answers.return(undefined)
      },
    }),
  }
}

/** Yoga's answer, whole. */
export async function relay(answered: Response, response: ServerResponse): Promise<void> {
  const body = Buffer.from(await answered.arrayBuffer())
  response.writeHead(answered.status, { ...Object.fromEntries(answered.headers), 'content-length': body.length })
  response.end(body)
}

/** A stream as it comes; when the client goes away its source ends. */
export async function relayStream(
  stream: ReadableStream<Uint8Array>,
  status: number,
  { response, signal }: Exchange,
  closing: AbortSignal,
): Promise<void> {
  response.writeHead(status, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()
  const reader = stream.getReader()
  const cancel = () => void reader.cancel()
  for (const ended of [signal, closing]) {
    ended.addEventListener('abort', cancel)
    if (ended.aborted) cancel()
  }
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (!response.write(value)) await drained(response)
  }
  for (const ended of [signal, closing]) ended.removeEventListener('abort', cancel)
  // Cut and not ended: an end would mean that nothing more will come.
  if (closing.aborted) response.destroy()
  else response.end()
}

/** Resolves when the client has taken what was written, or is gone. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
