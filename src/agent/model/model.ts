import type Anthropic from '@anthropic-ai/sdk'
import type { MessageCreateParamsStreaming, MessageParam, Tool } from '@anthropic-ai/sdk/resources/messages/messages'
import { AppError } from '../../platform/lib/errors.ts'
import { type AnswerBlock, AnswerReader } from './answer-reader.ts'
import { liveFetch, type ModelFetch } from './live.ts'
import { errorBeforeAnswer, errorWithinAnswer, type ModelError } from './model-error.ts'
import type { TokenUsage } from './prices.ts'
import { rehearsalFetch } from './rehearsal.ts'
import { recordTape, replayTape } from './tape.ts'

/*
 * The one client of the model. Everything goes through the Anthropic SDK; where the answers come from is decided by the
 * `fetch` it is given, so that live, rehearsed and replayed calls run the same code.
 *
 * One `attempt` is one request. The SDK's own retries are off: each attempt reserves budget anew, so repeating is the
 * caller's (see `retry.ts` and `circuit-breaker.ts`). The SDK is some three hundred files: they are loaded for the first
 * call, not for the start of a server.
 */

/** What a call is for; a table maps it to model, effort and maximum tokens. */
export type Purpose = 'TRIAGE' | 'EXTRACT' | 'PLAN' | 'ACT' | 'DRAFT' | 'REFLECT'

export type Effort = 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** A part of the system prompt. `cache_control` on the last block of the stable prefix lets the provider keep it. */
export interface SystemBlock {
  readonly type: 'text'
  readonly text: string
  readonly cache_control?: { readonly type: 'ephemeral' }
}

export interface ModelRequest {
  readonly purpose: Purpose
  readonly model: string
  /** Upper bound of output tokens, thinking included. */
  readonly maxTokens: number
  readonly system: readonly SystemBlock[]
  readonly messages: readonly MessageParam[]
  readonly tools: readonly Tool[]
  readonly effort?: Effort | undefined
  /** Aborts the call in flight: the outcome is `ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** Receives the answer's text as it comes. What it throws ends the call and reaches the caller of `attempt`. */
  readonly onText?: ((delta: string) => void) | undefined
}

export interface ModelAnswer {
  readonly content: readonly AnswerBlock[]
  /** `end_turn`, `tool_use`, `max_tokens`, … as the API names them; a refusal is an error instead. */
  readonly stopReason: string
  readonly usage: TokenUsage
  /** Who answered, in the provider's words; costs go by the model that was asked for. */
  readonly model: string
  readonly requestId?: string
  /** The answer was made by rules, here or behind the network: nothing was asked and nothing costs. */
  readonly rehearsal: boolean
}

export type AttemptOutcome =
  | { readonly ok: true; readonly answer: ModelAnswer }
  | { readonly ok: false; readonly error: ModelError }

export type ModelMode = 'live' | 'rehearsal' | 'tape'

export interface Model {
  readonly mode: ModelMode
  /** UTF-8 bytes of the request as it would be sent: what the worst case is reckoned from. */
  requestBytes(request: ModelRequest): number
  /** One request, streamed. Failures of the provider and the network are outcomes; only faults of the caller throw. */
  attempt(request: ModelRequest): Promise<AttemptOutcome>
}

export interface ModelOptions {
  readonly mode: ModelMode
  /** Needed for `live` alone. */
  readonly apiKey?: string | undefined
  readonly baseUrl?: string | undefined
  /** Takes the place of the network in `live`. */
  readonly fetch?: ModelFetch | undefined
  /** `live`: calls are also recorded here. `tape`: they are answered from here. */
  readonly tapeFile?: string | undefined
  /** For one whole attempt, the streamed answer included. */
  readonly timeoutMs: number
}

const DEFAULT_BASE_URL = 'https://api.anthropic.com'

/** Makes the client. Throws `INVALID_INPUT` or `NOT_FOUND` when the mode lacks its key or its tape. */
export function createModel(options: ModelOptions): Model {
  const settings = {
    apiKey: options.mode === 'live' ? requireKey(options.apiKey) : options.mode,
    baseURL: options.baseUrl ?? DEFAULT_BASE_URL,
    fetch: fetchFor(options),
    maxRetries: 0,
    timeout: options.timeoutMs,
    // Outcomes are reported to the caller, who logs; the SDK would write to the console.
    logLevel: 'off',
    openTelemetry: false,
  } as const
  let client: Anthropic | undefined
  const open = async (): Promise<Anthropic> => {
    client ??= new (await import('@anthropic-ai/sdk')).default(settings)
    return client
  }
  return {
    mode: options.mode,
    requestBytes: (request) => Buffer.byteLength(JSON.stringify(toParams(request))),
    attempt: async (request) => attempt(await open(), request, options.timeoutMs),
  }
}

function fetchFor(options: ModelOptions): ModelFetch {
  switch (options.mode) {
    case 'rehearsal':
      return rehearsalFetch
    case 'tape':
      if (options.tapeFile === undefined) throw new AppError('INVALID_INPUT', 'A tape needs the file it is in.')
      return replayTape(options.tapeFile)
    case 'live': {
      const network = options.fetch ?? liveFetch
      return options.tapeFile === undefined ? network : recordTape(options.tapeFile, network)
    }
  }
}

function requireKey(apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey === '') throw new AppError('INVALID_INPUT', 'A live model needs an API key.')
  // The complaint about a header with such a value would quote it, key and all.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new AppError('INVALID_INPUT', 'The API key has blanks or odd characters.')
  return apiKey
}

function toParams(request: ModelRequest): MessageCreateParamsStreaming {
  return {
    model: request.model,
    max_tokens: request.maxTokens,
    stream: true,
    ...(request.system.length === 0 ? {} : { system: request.system.map((block) => ({ ...block })) }),
    ...(request.tools.length === 0 ? {} : { tools: [...request.tools] }),
    ...(request.effort === undefined ? {} : { output_config: { effort: request.effort } }),
    messages: [...request.messages],
  }
}

async function attempt(client: Anthropic, request: ModelRequest, timeoutMs: number): Promise<AttemptOutcome> {
  if (request.signal?.aborted === true) return failed({ kind: 'ABORTED', message: ABORTED, sent: false })

  // The SDK's timeout ends with the headers; this one covers the stream as well.
  const stop = new AbortController()
  let timedOut = false
  let streaming = false
  const timer = setTimeout(() => {
    timedOut = true
    stop.abort()
  }, timeoutMs)
  const onAbort = () => stop.abort()
  request.signal?.addEventListener('abort', onAbort, { once: true })

  const stopped = (usage: TokenUsage | undefined): AttemptOutcome =>
    failed({
      ...(timedOut ? { kind: 'TIMEOUT', message: TIMED_OUT } : { kind: 'ABORTED', message: ABORTED }),
      sent: true,
      ...(usage === undefined ? {} : { usage }),
    })

  try {
    const begun = await begin(client, request, stop.signal)
    if ('error' in begun) return stop.signal.aborted ? stopped(undefined) : failed(begun.error)
    const { events, response } = begun
    streaming = true
    const reader = new AnswerReader()
    while (true) {
      let next: IteratorResult<unknown>
      try {
        next = await events.next()
      } catch (err) {
        streaming = false
        const usage = reader.billedAtMost(request.maxTokens)
        return stop.signal.aborted ? stopped(usage) : failed(errorWithinAnswer(err, usage))
      }
      if (next.done === true) {
        streaming = false
        break
      }
      const text = reader.accept(next.value)
      if (text !== undefined) request.onText?.(text)
    }
    // The SDK ends an aborted stream without an error.
    if (!reader.complete && stop.signal.aborted) return stopped(reader.billedAtMost(request.maxTokens))
    return outcomeOf(reader, request, response)
  } finally {
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', onAbort)
    // Lets go of the connection when `onText` threw in the middle of the stream.
    if (streaming) stop.abort()
  }
}

type Begun = { events: AsyncIterator<unknown>; response: Response } | { error: ModelError }

async function begin(client: Anthropic, request: ModelRequest, signal: AbortSignal): Promise<Begun> {
  try {
    const { data, response } = await client.messages.create(toParams(request), { signal }).withResponse()
    return { events: data[Symbol.asyncIterator](), response }
  } catch (err) {
    if (signal.aborted) return { error: { kind: 'ABORTED', message: ABORTED, sent: true } }
    return { error: errorBeforeAnswer(err) }
  }
}

function outcomeOf(reader: AnswerReader, request: ModelRequest, response: Response): AttemptOutcome {
  const requestId = response.headers.get('request-id')
  const origin = requestId === null ? {} : { requestId }
  const { stopReason, usage } = reader
  if (!reader.complete || stopReason === undefined || usage === undefined) {
    const contentType = response.headers.get('content-type') ?? 'no content type'
    if (reader.usage === undefined && !contentType.includes('text/event-stream')) {
      const message = `The model's address does not speak the Messages API: it answered ${contentType}.`
      return failed({ kind: 'INVALID_REQUEST', message, sent: true, ...origin })
    }
    return failed({ ...errorWithinAnswer(undefined, reader.billedAtMost(request.maxTokens)), ...origin })
  }
  if (stopReason === 'refusal') {
    return failed({ kind: 'REFUSED', message: 'The model refused to answer.', sent: true, usage, ...origin })
  }
  return {
    ok: true,
    answer: {
      content: reader.blocks(),
      stopReason,
      usage,
      model: reader.model ?? request.model,
      rehearsal: response.headers.get('x-cadre-model') === 'rehearsal',
      ...origin,
    },
  }
}

const ABORTED = 'The call was aborted.'
const TIMED_OUT = 'The model did not answer in time.'

const failed = (error: ModelError): AttemptOutcome => ({ ok: false, error })
