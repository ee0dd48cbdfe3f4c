// GraphQL over HTTP, server-sent events included: https://graphql.github.io/graphql-over-http/draft/
//
// Yoga speaks the protocol (parameters, media types, status codes); the operation itself goes through the engine, as on
// a WebSocket. Nothing here can be done by a form on another site: POST takes JSON only, which a browser does not send
// elsewhere without asking first, GET never changes anything, and the cookie of a browser session counts only for pages of
// ours (`credential.ts`).

import type { ServerResponse } from 'node:http'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { createYoga } from 'graphql-yoga'
import type { Authenticator, Identity } from '../auth/authenticate.ts'
import { credentialOf, identify, sessionCookieOf } from '../auth/credential.ts'
import type { IdentityWatch } from '../auth/identity-watch.ts'
import { cookiePlaceOf } from '../http/cookies.ts'
import { comesFromHere } from '../http/from-here.ts'
import { foreignOrigin } from '../http/own-page.ts'
import { BodyTooLarge, baseUrlOf } from '../http/request.ts'
import type { Exchange, Route } from '../http/router.ts'
import { answerUnread } from '../http/unread-body.ts'
import { isAppError } from '../lib/errors.ts'
import { type Admission, isAdmitted } from './admission.ts'
import { contextFactory, NO_WORKSPACE, type Services } from './context-factory.ts'
import type { OperationParameters, Prepared } from './engine.ts'
import { presentThrown } from './errors.ts'
import { type GraphiqlPage, renderGraphiql } from './graphiql.ts'
import { guarded, relay, relayStream } from './http-relay.ts'
import type { OperationLimit } from './limits.ts'
import { eventStream } from './sse.ts'

export interface HttpDoorOptions {
  readonly admission: Admission
  readonly services: Services
  readonly authenticator: Authenticator
  readonly watch: IdentityWatch
  /** The page for browsers; none in production unless switched on. */
  readonly graphiql?: GraphiqlPage
  readonly path?: string
  /** Aborted when the server closes: streams are cut, so that their clients come back to another one. */
  readonly closing: AbortSignal
}

type Answer = ExecutionResult | AsyncIterable<ExecutionResult>

/** What goes through Yoga with a request. */
interface ServerContext {
  readonly exchange: Exchange
}

/** The route of the GraphQL API. */
export function graphqlRoute(options: HttpDoorOptions): Route {
  const { admission, services, authenticator, watch, graphiql, closing, path = '/graphql' } = options
  const { log } = services

  /** Who is signed in in the browser that asks for the page; a cookie that stands for nobody any more is no fault. */
  const sessionAt = async ({ request }: Exchange): Promise<Identity | undefined> => {
    const secret = sessionCookieOf(request, cookiePlaceOf(services.publicUrl))
    if (secret === undefined) return undefined
    return await authenticator.authenticateCookie(secret).catch((err: unknown) => {
      if (isAppError(err) && err.code === 'UNAUTHENTICATED') return undefined
      throw err
    })
  }

  const answer = async (exchange: Exchange, parameters: OperationParameters): Promise<Answer> => {
    const credential = credentialOf(exchange.request, services.publicUrl)
    const { viewer, workspaceId } = await identify(authenticator, credential)
    // Yoga looks at the types of the other parameters.
    if (typeof (parameters.operationName ?? '') !== 'string') {
      return { errors: [badRequest('Send the name of the operation as text in `operationName`.', 400)] }
    }
    const asker = { viewer, address: exchange.address }
    const admitted = await admission.admit(asker, parameters, (prepared) => notCarried(exchange, prepared))
    if (!isAdmitted(admitted)) return admitted
    const after = parameters.extensions?.after ?? exchange.request.headers['last-event-id']
    const makeContext = contextFactory(services, {
      viewer,
      workspaceId: workspaceId ?? NO_WORKSPACE,
      origin: {
        requestId: exchange.requestId,
        ...(exchange.address === undefined ? {} : { address: exchange.address }),
      },
      requestUrl: baseUrlOf(exchange.request),
      userAgent: headerOf(exchange, 'user-agent'),
      pageOrigin: foreignOrigin(exchange.request, services.publicUrl),
      idempotencyKey: headerOf(exchange, 'idempotency-key'),
      resumeAfter: typeof after === 'string' && after !== '' ? after : undefined,
    })
    if (admitted.prepared.operation.operation !== 'subscription') return await admitted.execute(makeContext)
    const result = await admitted.subscribe(makeContext)
    if (!(Symbol.asyncIterator in result)) return result
    return guarded(result, (ended) => watch.add({ credential, viewer, ended }))
  }

  const streams = new WeakMap<Exchange, ReadableStream<Uint8Array>>()

  const yoga = createYoga<ServerContext>({
    graphqlEndpoint: path,
    graphiql: false,
    landingPage: false,
    healthCheckEndpoint: '/graphql/-',
    cors: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    logging: false,
    parserAndValidationCache: false,
    extraParamNames: ['documentId'],
    // What gets here was thrown beside the engine: by Yoga about the request (shown), or by a fault (logged, not shown).
    maskedErrors: {
      maskError: (err) => (err instanceof GraphQLError ? withCode(err) : presentThrown(err, { log, requestId: '' })),
    },
    plugins: [
      {
        onParams: ({ params, setParams, setParamsHandler, context }) => {
          setParams(withDocumentId(params, context as unknown as ServerContext))
          setParamsHandler((async ({
            params,
            context,
          }: {
            params: OperationParameters
            context: { exchange: Exchange }
          }) => {
            try {
              return forHttp(await answer(context.exchange, params))
            } catch (thrown) {
              const { requestId } = context.exchange
              return forHttp({ errors: [presentThrown(thrown, { log, requestId })] })
            }
          }) as never)
        },
        onResultProcess: ({ result, serverContext, setResultProcessor }) => {
          const { exchange } = serverContext as unknown as ServerContext
          const stream = Symbol.asyncIterator in result
          if (!stream && !headerOf(exchange, 'accept')?.includes('text/event-stream')) return
          setResultProcessor((answers, fetchApi) => {
            // Handed past Yoga's Response, whose copy of a stream does not end when its reader goes away.
            streams.set(exchange, eventStream(answers as Answer, stream ? JSON.stringify : textOf))
            return new fetchApi.Response(null, { status: stream ? 200 : statusOf(answers as ExecutionResult) })
          }, 'text/event-stream')
        },
      },
    ],
  })

  const handler = async (exchange: Exchange): Promise<void> => {
    const { request, response, url } = exchange
    const method = request.method ?? 'GET'
    if (graphiql !== undefined && (method === 'GET' || method === 'HEAD') && wantsPage(exchange)) {
      // The page may carry a key: no other origin may read it, whoever may call the API.
      response.removeHeader('access-control-allow-origin')
      const session = await sessionAt(exchange)
      const page = await renderGraphiql(graphiql, { isHere: comesFromHere(request), session, url })
      // Not compressed: it comes from this machine, and its megabytes are made anew each time.
      response.writeHead(200, {
        ...page.headers,
        'content-type': 'text/html; charset=utf-8',
        'content-length': Buffer.byteLength(page.body),
      })
      response.end(page.body)
      return
    }
    let body: Buffer | undefined
    if (method === 'POST') {
      const type = headerOf(exchange, 'content-type')?.split(';')[0]?.trim().toLowerCase()
      if (type !== 'application/json') {
        return send(response, 415, 'Send the request as application/json.', 'INVALID_INPUT')
      }
      try {
        body = await exchange.readBody()
      } catch (err) {
        if (!(err instanceof BodyTooLarge)) throw err
        return send(response, 413, err.message, 'LIMIT_EXCEEDED', { limit: 'SIZE' })
      }
    }
    const answered = await yoga.fetch(
      url.href,
      {
        method,
        headers: Object.entries(request.headers).flatMap(([name, value]) =>
          value === undefined || name === 'content-length' ? [] : [[name, String(value)] as [string, string]],
        ),
        ...(body === undefined ? {} : { body: body.toString('utf8') }),
      },
      { exchange },
    )
    const stream = streams.get(exchange)
    if (stream === undefined) await relay(answered, response)
    else await relayStream(stream, answered.status, exchange, closing)
  }

  return { method: '*', path, handler }
}

const headerOf = (exchange: Exchange, name: string): string | undefined => {
  const value = exchange.request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** What is asked for by id has no text, which Yoga wants; of an address Yoga reads only the parameters that it knows. */
function withDocumentId<Params extends object>(params: Params, { exchange }: ServerContext): Params {
  if (typeof params !== 'object' || params === null) return params
  const { query, documentId, extensions } = params as OperationParameters
  const inAddress = exchange.request.method === 'GET' ? exchange.url.searchParams.get('documentId') : null
  const id = documentId ?? inAddress ?? undefined
  if (id === undefined && extensions?.persistedQuery === undefined) return params
  return { ...params, query: query ?? '', ...(id === undefined ? {} : { documentId: id }) }
}

/** Why an operation cannot be had this way. */
function notCarried(exchange: Exchange, { operation }: Prepared): GraphQLError | undefined {
  if (operation.operation === 'mutation' && exchange.request.method !== 'POST') {
    return badRequest('Mutations are sent with POST.', 405, { Allow: 'POST' })
  }
  if (operation.operation === 'subscription' && !accepts(exchange, 'text/event-stream')) {
    return badRequest('Subscriptions are answered as text/event-stream, or over a WebSocket.', 406)
  }
  return undefined
}

const accepts = (exchange: Exchange, type: string): boolean => {
  const accept = headerOf(exchange, 'accept') ?? '*/*'
  return accept.includes(type) || accept.includes('*/*')
}

/** A browser that goes to the address, as opposed to a program that asks for data. */
const wantsPage = (exchange: Exchange): boolean => headerOf(exchange, 'accept')?.includes('text/html') === true

function badRequest(message: string, status: number, headers: Record<string, string> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'INVALID_INPUT', http: { status, headers } } })
}

const STATUS: Readonly<Record<string, object>> = {
  UNAUTHENTICATED: { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } },
  FORBIDDEN: { status: 403 },
  UNAVAILABLE: { status: 503 },
  INTERNAL: { status: 500 },
  // `spec`: 400 for application/graphql-response+json, 200 for application/json.
  INVALID_INPUT: { spec: true, status: 400 },
  LIMIT_EXCEEDED: { spec: true, status: 400 },
}

/** The status of a request that failed as a whole; Yoga takes it from `extensions.http` and removes that. */
function forHttp(answer: Answer): Answer {
  if (Symbol.asyncIterator in answer || answer.errors === undefined || 'data' in answer) return answer
  for (const err of answer.errors) {
    const http = err.extensions.http ?? httpOf(err)
    if (http !== undefined) err.extensions.http = http
  }
  return answer
}

function httpOf({ extensions: { code, limit, retryAfterMs } }: GraphQLError): object | undefined {
  if (limit !== ('COST_PER_MINUTE' satisfies OperationLimit)) return STATUS[String(code)]
  return { spec: true, status: 429, headers: { 'Retry-After': String(Math.ceil(Number(retryAfterMs) / 1_000)) } }
}

const statusOf = ({ errors }: ExecutionResult): number =>
  errors
    ?.map((err) => (err.extensions.http as { status?: number } | undefined)?.status)
    .find((status) => status !== undefined) ?? 200

/** An answer as an event: the status is said before it, so not in its errors, as Yoga does it in answers of its own. */
function textOf({ errors, ...rest }: ExecutionResult): string {
  const shown = errors?.map((err) => {
    const { http: _, ...extensions } = err.extensions
    return { ...err.toJSON(), extensions }
  })
  return JSON.stringify({ ...(shown === undefined ? {} : { errors: shown }), ...rest })
}

/**
 * Yoga's own refusals (bad JSON, an unknown parameter) under a code of ours. Here the request is wrong and not its
 * document, so the status is the same for every media type: `spec` would make it 200 for application/json.
 */
function withCode(err: GraphQLError): GraphQLError {
  const { http: { spec: _, ...http } = {} } = err.extensions as { readonly http?: { readonly spec?: boolean } }
  return new GraphQLError(err.message, { extensions: { code: 'INVALID_INPUT', http: { status: 400, ...http } } })
}

function send(response: ServerResponse, status: number, message: string, code: string, more: object = {}): void {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const body = JSON.stringify({ errors: [{ message, extensions: { code, ...more } }] })
  if (!response.req.complete) {
    answerUnread(response.req, response, { status, headers, body })
    return
  }
  response.writeHead(status, headers)
  response.end(body)
}
