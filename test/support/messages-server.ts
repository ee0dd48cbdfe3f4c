import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { ModelFetch } from '../../src/agent/model/live.ts'
import {
  event,
  requestHash,
  toEventStream,
  toJsonError,
  toJsonMessage,
  type WireBlock,
  type WireMessage,
} from '../../src/agent/model/messages-wire.ts'
import type { TokenUsage } from '../../src/agent/model/prices.ts'
import { rehearsalFetch } from '../../src/agent/model/rehearsal.ts'

/*
 * A local server that speaks the Messages API with server-sent events, for tests and demonstrations of the network path.
 * Without a script it answers as the rehearsal does, so the same work is done over a socket; a script puts other answers
 * in, one per request: failures of every kind, streams that break, arguments that are no JSON, silence.
 *
 * As a program: npx tsx test/support/messages-server.ts --port 4010 [--key KEY] [--delay-ms 20]
 */

/** What one request is answered with. */
export type Step =
  /** A whole answer, as a stream or as JSON, as the request wants it. `tool_use` may carry broken arguments in `rawJson`. */
  | { kind: 'message'; content: WireBlock[]; stopReason?: string; usage?: TokenUsage; after?: Promise<unknown> }
  | { kind: 'error'; status: number; type?: string; message?: string; headers?: Record<string, string> }
  /** A stream whose connection is destroyed after so many of its pieces. */
  | { kind: 'cut'; content: WireBlock[]; afterPieces: number; usage?: TokenUsage }
  /** A stream that ends properly, but too early. */
  | { kind: 'short'; content: WireBlock[]; afterPieces: number; usage?: TokenUsage }
  /** A stream that reports an error after so many of its pieces. */
  | { kind: 'midError'; content: WireBlock[]; afterPieces: number; type: string; message: string }
  /** Headers and, if given, some pieces of an answer, then silence until the client goes away. */
  | { kind: 'silence'; content?: WireBlock[]; afterPieces?: number; beforeHeaders?: boolean }
  | { kind: 'raw'; status: number; headers: Record<string, string>; body: string }
  | { kind: 'policy' }

export interface RecordedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The parsed body; undefined when it was no JSON. */
  readonly body:
    | { model?: string; max_tokens?: number; stream?: boolean; messages?: unknown[]; tools?: unknown[] }
    | undefined
}

export interface MessagesServer {
  readonly url: string
  /** The newest thousand. */
  readonly requests: readonly RecordedRequest[]
  /** Resolves when the client has gone away from so many requests. */
  aborted(count: number): Promise<void>
  stop(): Promise<void>
}

export interface MessagesServerOptions {
  readonly port?: number
  /** One step per request, then the policy; or a function that decides by request. */
  readonly script?: readonly Step[] | ((request: RecordedRequest, index: number) => Step | undefined)
  /** Answers where the script has nothing to say. */
  readonly policy?: ModelFetch
  /** The only key that is let in; without it any is, but one there must be. */
  readonly apiKey?: string
  /** Before every answer of the policy. */
  readonly delayMs?: number
}

const KEPT_REQUESTS = 1000

/** Starts the server on 127.0.0.1, on a free port unless one is named. */
export async function startMessagesServer(options: MessagesServerOptions = {}): Promise<MessagesServer> {
  const requests: RecordedRequest[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  let received = 0
  let gone = 0

  const server = createServer((req, res) => {
    res.on('close', () => {
      if (res.writableFinished) return
      gone += 1
      for (const each of waiting) if (gone >= each.count) each.resolve()
    })
    handle(req, res).catch((err) => res.destroy(err instanceof Error ? err : new Error(String(err))))
  })

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = await readRequest(req)
    const index = received
    received += 1
    requests.push(request)
    if (requests.length > KEPT_REQUESTS) requests.shift()

    const key = keyOf(req.headers)
    if (key === undefined || (options.apiKey !== undefined && key !== options.apiKey)) {
      return sendError(res, 401, 'authentication_error', 'invalid API key')
    }
    const script = options.script
    const step = typeof script === 'function' ? script(request, index) : script?.[index]
    if (step === undefined || step.kind === 'policy') return answerByPolicy(req, request, res)
    return perform(step, request, res)
  }

  async function answerByPolicy(req: IncomingMessage, request: RecordedRequest, res: ServerResponse): Promise<void> {
    if (options.delayMs !== undefined) await pause(options.delayMs)
    const policy = options.policy ?? rehearsalFetch
    const init: RequestInit =
      req.method === 'POST' ? { method: 'POST', body: request.text } : { method: req.method ?? 'GET' }
    const response = await policy(`http://127.0.0.1${request.path}`, init)
    res.writeHead(response.status, Object.fromEntries(response.headers))
    if (response.body !== null) for await (const piece of response.body) res.write(piece)
    res.end()
  }

  const url = await listen(server, options.port ?? 0)
  return {
    url,
    requests,
    aborted: (count) =>
      new Promise((resolve) => {
        if (gone >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function perform(step: Exclude<Step, { kind: 'policy' }>, request: RecordedRequest, res: ServerResponse) {
  switch (step.kind) {
    case 'error':
      return sendError(res, step.status, step.type ?? typeOf(step.status), step.message ?? 'as scripted', step.headers)
    case 'raw':
      res.writeHead(step.status, step.headers)
      res.end(step.body)
      return
    case 'message': {
      await step.after
      const message = messageOf(step, request)
      if (request.body?.stream === true) {
        beginStream(res)
        for (const piece of toEventStream(message)) res.write(piece)
        res.end()
      } else {
        res.writeHead(200, { 'content-type': 'application/json', 'request-id': message.id.replace('msg', 'req') })
        res.end(toJsonMessage(message))
      }
      return
    }
    case 'cut':
    case 'short':
    case 'midError': {
      beginStream(res)
      const pieces = toEventStream(messageOf(step, request)).slice(0, step.afterPieces)
      const broken =
        step.kind === 'midError' ? [event('error', { error: { type: step.type, message: step.message } })] : []
      for (const piece of [...pieces, ...broken]) await written(res, piece)
      if (step.kind === 'cut') res.destroy()
      else res.end()
      return
    }
    case 'silence':
      if (step.beforeHeaders === true) return
      beginStream(res)
      res.flushHeaders()
      for (const piece of toEventStream(messageOf({ content: step.content ?? [] }, request)).slice(
        0,
        step.afterPieces ?? 0,
      )) {
        res.write(piece)
      }
  }
}

function messageOf(
  step: { content: WireBlock[]; stopReason?: string; usage?: TokenUsage },
  request: RecordedRequest,
): WireMessage {
  const callsTool = step.content.some((block) => block.type === 'tool_use')
  return {
    id: `msg_${requestHash(request.text).slice(0, 24)}`,
    model: request.body?.model ?? 'unknown',
    content: step.content,
    stopReason: step.stopReason ?? (callsTool ? 'tool_use' : 'end_turn'),
    usage: step.usage ?? { input: 100, output: 20, cacheRead: 0, cacheWrite: 0 },
  }
}

/** The API takes a key in either header; current SDKs send it as a bearer token. */
function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['x-api-key']
  return typeof key === 'string' ? key : headers.authorization?.match(/^Bearer (.+)$/)?.[1]
}

async function readRequest(req: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return { path: req.url ?? '/', headers: req.headers, text, body: parse(text) }
}

function parse(text: string): RecordedRequest['body'] {
  try {
    return JSON.parse(text) as RecordedRequest['body']
  } catch {
    return undefined
  }
}

function beginStream(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_scripted' })
}

function sendError(res: ServerResponse, status: number, type: string, message: string, headers = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_scripted', ...headers })
  res.end(toJsonError(type, message))
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}
const typeOf = (status: number): string => TYPES[status] ?? 'api_error'

/** Resolves once the piece is with the operating system, so that a cut comes after it. */
const written = (res: ServerResponse, piece: string): Promise<void> =>
  new Promise((resolve, reject) => res.write(piece, (err) => (err ? reject(err) : resolve())))

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      // A server that listens on TCP has an address with a port.
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      key: { type: 'string' },
      'delay-ms': { type: 'string' },
    },
  })
  const server = await startMessagesServer({
    port: Number(values.port),
    ...(values.key === undefined ? {} : { apiKey: values.key }),
    ...(values['delay-ms'] === undefined ? {} : { delayMs: Number(values['delay-ms']) }),
  })
  process.stdout.write(`Messages API at ${server.url}\n`)
  const stop = () => void server.stop().then(() => process.exit(0))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
