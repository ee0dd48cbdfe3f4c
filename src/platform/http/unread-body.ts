import type { IncomingMessage, ServerResponse } from 'node:http'

// A connection that is closed while its client still sends is reset, and a reset takes the answer with it that the client
// has not read yet. So the answer is written whole, and the connection stays open for as long as a client needs to notice.
const MAX_WAIT_MS = 2_000
const MAX_DISCARDED_BYTES = 32 * 1024 * 1024

/**
 * Answers a request whose body was not read to its end: the client gets the whole answer, what it still sends is thrown
 * away, and the connection is closed when it has sent everything, or has gone on for too long. `headers` need no length.
 */
export function answerUnread(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string },
): void {
  const { status, headers, body } = answer
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' })
  response.write(body)
  let bytes = 0
  const cut = setTimeout(() => request.destroy(), MAX_WAIT_MS)
  const done = (): void => {
    clearTimeout(cut)
    response.end()
  }
  request.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > MAX_DISCARDED_BYTES) request.destroy()
  })
  request.on('end', done)
  request.on('close', done)
  request.on('error', done)
  request.resume()
}
