// How a door that is not GraphQL answers with a page, a file or a document: the one place that knows about compression,
// ETags and for how long something may be kept.
//
// Nothing here is for streams: what is compressed waits to be full, and an event must not wait.

import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import Negotiator from 'negotiator'
import type { Exchange, Route } from './router.ts'

export interface Content {
  /** 200 unless told. */
  readonly status?: number
  /** With its charset: `text/html; charset=utf-8`. Undefined where there is nothing in it. */
  readonly type: string | undefined
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Who may keep it: NOBODY where it is made for one reader; ASKING, who keeps it asks by its ETag whether it is still so;
   * FOREVER, where another content would have another address.
   */
  readonly keep: 'NOBODY' | 'ASKING' | 'FOREVER'
}

/** Best first. */
const ENCODINGS = ['br', 'gzip'] as const
type Encoding = (typeof ENCODINGS)[number]

const CACHE_CONTROL = {
  NOBODY: 'no-store',
  ASKING: 'no-cache',
  FOREVER: 'public, max-age=31536000, immutable',
} as const

const COMPRESSIBLE = /^text\/|[/+](?:json|javascript|xml|yaml)\b/
// Below it the packet is one packet either way.
const MIN_COMPRESSED_BYTES = 1_024

const compressWith = { br: promisify(brotliCompress), gzip: promisify(gzip) }

/** Answers with the content, compressed as the caller can read it, or with 304 where the caller has it already. */
export async function sendContent({ request, response }: Exchange, content: Content): Promise<void> {
  const body = typeof content.body === 'string' ? Buffer.from(content.body) : content.body
  const { status = 200, keep } = content
  if (content.type !== undefined) response.setHeader('content-type', content.type)
  response.setHeader('cache-control', CACHE_CONTROL[keep])
  for (const [name, value] of Object.entries(content.headers ?? {})) {
    // CORS may have said already what the answer varies by.
    if (name === 'vary') response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
  if (keep !== 'NOBODY' && status === 200) {
    const tag = tagOf(body)
    response.setHeader('etag', tag)
    if (names(request.headers['if-none-match'], tag)) {
      response.writeHead(304).end()
      return
    }
  }
  let sent: Buffer = body
  if (COMPRESSIBLE.test(content.type ?? '') && body.length >= MIN_COMPRESSED_BYTES) {
    response.appendHeader('vary', 'accept-encoding')
    const accepted = new Negotiator(request).encodings([...ENCODINGS])
    const encoding = ENCODINGS.find((one) => accepted.includes(one))
    if (encoding !== undefined) {
      sent = keep === 'FOREVER' ? await compressOnce(body, encoding) : await compress(body, encoding, 'now')
      response.setHeader('content-encoding', encoding)
    }
  }
  response.writeHead(status, { 'content-length': sent.length })
  response.end(sent)
}

/** A file that is kept for ever: its name holds a digest of what is in it. `name` as in `start-page.js`. */
export function hashedFile(name: string, type: string, body: string): { readonly path: string; readonly route: Route } {
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const path = `/assets/${name.replace(/(?=\.\w+$)/, `.${digest}`)}`
  const file = Buffer.from(body)
  return {
    path,
    route: {
      method: 'GET',
      path,
      handler: (exchange) => sendContent(exchange, { type, body: file, keep: 'FOREVER' }),
    },
  }
}

/** Weak: the same content, whichever way it is compressed. */
const tagOf = (body: Buffer): string => `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`

/** Whether an If-None-Match names this tag, as RFC 9110 compares them there: weak or not makes no difference. */
function names(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const opaque = (text: string): string => text.trim().replace(/^W\//, '')
  return header.trim() === '*' || header.split(',').some((one) => opaque(one) === opaque(tag))
}

/** `now`: somebody waits for it, and once only; `once`: it is kept for all who come. */
function compress(body: Buffer, encoding: Encoding, effort: 'now' | 'once'): Promise<Buffer> {
  if (encoding === 'gzip') return compressWith.gzip(body, { level: effort === 'once' ? 9 : 6 })
  const quality = effort === 'once' ? constants.BROTLI_MAX_QUALITY : 4
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: body.length }
  return compressWith.br(body, { params })
}

const kept = new WeakMap<Buffer, Map<Encoding, Promise<Buffer>>>()

function compressOnce(body: Buffer, encoding: Encoding): Promise<Buffer> {
  let encodings = kept.get(body)
  if (encodings === undefined) {
    encodings = new Map()
    kept.set(body, encodings)
  }
  let compressed = encodings.get(encoding)
  if (compressed === undefined) {
    compressed = compress(body, encoding, 'once')
    encodings.set(encoding, compressed)
  }
  return compressed
}
