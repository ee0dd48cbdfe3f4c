import type { IncomingMessage } from 'node:http'
import { AppError } from '../lib/errors.ts'

/** The body was larger than the limit; the connection is closed after the answer, as the rest of it is not read. */
export class BodyTooLarge extends AppError {
  constructor(maxBytes: number) {
    super('LIMIT_EXCEEDED', `The body is larger than ${maxBytes} bytes.`, { limit: 'SIZE' })
  }
}

/**
 * The whole body. What is larger than `maxBytes` is refused by its announced length before anything is read, else as
 * soon as the limit is passed; no more than the limit is ever held. Rejects with BodyTooLarge.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new BodyTooLarge(maxBytes)
  const parts: Buffer[] = []
  let bytes = 0
  // Left open when it is too large: whoever answers reads on until the client has noticed.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > maxBytes) throw new BodyTooLarge(maxBytes)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/**
 * The client's address. `X-Forwarded-For` is believed for as many hops as there are proxies of ours in front (each
 * appends whom it speaks for); with none it is what anybody may have written, and is not looked at.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string | undefined {
  const socket = request.socket.remoteAddress
  if (trustedProxies <= 0) return socket
  const header = request.headers['x-forwarded-for']
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '')
  return hops.at(-Math.min(trustedProxies, hops.length)) ?? socket
}

const REQUEST_ID = /^[\w.:-]{1,128}$/

/** The caller's request id where it is harmless in a log, else a new one. */
export function requestIdOf(request: IncomingMessage, newRequestId: () => string): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : newRequestId()
}

/**
 * The address by which the caller reached us, `http://127.0.0.1:4000`: what it calls us by where that is a plain host,
 * else the socket's own address. Good for links that are shown to this caller, for nothing else: it may say what it likes.
 */
export function baseUrlOf(request: IncomingMessage): string {
  const { host } = request.headers
  const isPlain = host !== undefined && /^[\w.-]+(?::\d{1,5})?$|^\[[\da-f:.]+\](?::\d{1,5})?$/i.test(host)
  if (isPlain && URL.canParse(`http://${host}`)) return `http://${host}`
  const { localAddress = 'localhost', localPort = 80 } = request.socket
  return `http://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
}
