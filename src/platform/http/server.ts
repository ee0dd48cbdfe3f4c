// The HTTP server: doors, and how they are opened and closed.
//
//   open      requests go to the route that fits; an upgrade goes to the socket door
//   closing   no new connections; idle ones are closed at once, sockets are told to come back (1012), requests under way
//             get their answers, for as long as `graceMs`
//   closed    nothing is left
//
// What a handler throws is answered here: an expected failure as a problem, a fault as 500 with the request's id, logged
// once. Bad requests are the caller's, and not logged above debug.

import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { translateDatabaseError } from '../db/errors.ts'
import { INTERNAL, isAppError } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Logger } from '../observability/logger.ts'
import type { HttpAnswer } from '../observability/metrics.ts'
import { type Cors, noCors } from './cors.ts'
import { problemOf, sendProblem } from './problem.ts'
import { clientAddress, readBody, requestIdOf } from './request.ts'
import { createRouter, type Exchange, type Route } from './router.ts'
import { bareAnswer, securityHeaders } from './security-headers.ts'
import { shownPath } from './shown-path.ts'

/** What takes over connections that ask to become a WebSocket. */
export interface SocketDoor {
  readonly path: string
  /** `refuse` answers with a status, as `503 Service Unavailable`, and closes the connection. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refuse: (status: string) => void): void
  /** How many sockets are open. */
  count(): number
  /** Tells every socket to come back later, and resolves when all are gone. */
  close(): Promise<void>
}

export interface HttpServerOptions {
  readonly routes: readonly Route[]
  readonly sockets?: SocketDoor
  readonly log: Logger
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly maxBodyBytes: number
  /** How many proxies in front of us may say whom they speak for. */
  readonly trustProxy: number
  readonly cors?: Cors
  /** How the world reaches us, without a slash at the end. */
  readonly publicUrl?: string | undefined
  /** Told of every answer when it has ended. */
  readonly onAnswered?: (answer: HttpAnswer) => void
  /** How long requests under way may take when closing; 10 s unless told. */
  readonly graceMs?: number
}

export interface HttpServer {
  /** Where it listens: `http://127.0.0.1:4000`. */
  readonly url: string
  readonly port: number
  /** True from the first moment of `close`. */
  stopping(): boolean
  /** Closes gracefully; may be called more than once. */
  close(): Promise<void>
}

/** Opens the server. Rejects when it cannot listen (the port is taken, the address is not ours). */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, host, port, sockets, graceMs = 10_000 } = options
  const find = createRouter(options.routes)
  const cors = options.cors ?? noCors
  const headers = securityHeaders(options.publicUrl)
  let closing: Promise<void> | undefined
  const streams = new AbortController()
  // Every open stream listens to it.
  setMaxListeners(0, streams.signal)

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = requestIdOf(request, newId)
    response.setHeaders(headers)
    response.setHeader('x-request-id', requestId)
    if (closing !== undefined) response.setHeader('connection', 'close')
    const gone = new AbortController()
    const startedMs = performance.now()
    let door = 'none'
    response.on('close', () => {
      options.onAnswered?.({
        door,
        method: request.method ?? '',
        status: response.statusCode,
        durationMs: performance.now() - startedMs,
        stream: String(response.getHeader('content-type')).startsWith('text/event-stream'),
      })
      if (!response.writableFinished) gone.abort()
      // A kept-alive connection whose last answer came after the closing began would be waited for.
      if (closing !== undefined) setImmediate(() => server.closeIdleConnections())
    })
    try {
      const url = urlOf(request)
      if (url === undefined) {
        return sendProblem(response, { status: 400, code: 'INVALID_INPUT', title: 'This is no address.' })
      }
      if (await cors(request, response, url)) return
      const match = find(request.method ?? 'GET', url.pathname)
      if (match.kind === 'nothing') {
        return sendProblem(response, { status: 404, code: 'NOT_FOUND', title: `There is nothing at ${url.pathname}.` })
      }
      if (match.kind === 'wrong method') {
        response.setHeader('allow', match.allowed.join(', '))
        return sendProblem(response, {
          status: 405,
          code: 'INVALID_INPUT',
          title: `${request.method} is not possible here, but ${match.allowed.join(', ')} is.`,
        })
      }
      door = match.route.path
      const exchange: Exchange = {
        request,
        response,
        url,
        params: match.params,
        requestId,
        address: clientAddress(request, options.trustProxy),
        signal: gone.signal,
        closing: streams.signal,
        readBody: () => readBody(request, options.maxBodyBytes),
      }
      await match.route.handler(exchange)
    } catch (thrown) {
      answerFailure(thrown, request, response, requestId, log)
    }
  }

  const server = createServer({
    requestTimeout: 60_000,
    headersTimeout: 20_000,
    keepAliveTimeout: 15_000,
    // What the two above say is true to a second, and not to the half minute between looks.
    connectionsCheckingInterval: 1_000,
  })
  server.on('request', (request, response) => void handle(request, response))
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', (err) => log.debug({ err }, 'a connection was lost'))
    if (sockets === undefined || closing !== undefined || urlOf(request)?.pathname !== sockets.path) {
      socket.end(bareAnswer(closing === undefined ? '404 Not Found' : '503 Service Unavailable', headers))
      return
    }
    sockets.upgrade(request, socket, head, (status) => socket.end(bareAnswer(status, headers)))
  })
  server.on('clientError', (err: NodeJS.ErrnoException, socket) => {
    log.debug({ err }, 'a connection did not speak HTTP')
    if (err.code === 'ECONNRESET' || !socket.writable) return
    socket.end(bareAnswer('400 Bad Request', headers))
  })
  await listen(server, host, port)
  const address = server.address() as AddressInfo
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address

  return {
    url: `http://${shownHost}:${address.port}`,
    port: address.port,
    stopping: () => closing !== undefined,
    close: () => {
      closing ??= closeServer(server, sockets, graceMs)
      streams.abort()
      return closing
    },
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function closeServer(server: Server, sockets: SocketDoor | undefined, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const force = setTimeout(() => server.closeAllConnections(), graceMs)
  await Promise.all([sockets?.close(), closed])
  clearTimeout(force)
}

function urlOf(request: IncomingMessage): URL | undefined {
  // The path alone counts: what the client calls us is for proxies to know.
  const target = request.url ?? '/'
  return target.startsWith('/') && URL.canParse(`http://localhost${target}`)
    ? new URL(`http://localhost${target}`)
    : undefined
}

function answerFailure(
  thrown: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  log: Logger,
): void {
  const err = translateDatabaseError(thrown)
  const expected = isAppError(err)
  if (!expected && !request.destroyed) {
    const path = shownPath(urlOf(request)?.pathname ?? '')
    log.error({ err, requestId, method: request.method, path }, 'a request failed')
  }
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  sendProblem(
    response,
    expected
      ? problemOf(err)
      : { status: 500, code: INTERNAL, title: `Internal error. Tell us the request id: ${requestId}.` },
  )
}
