import type { ModelFetch } from './live.ts'
import { requestHash, toEventStream, toJsonError, toJsonMessage, type WireMessage } from './messages-wire.ts'
import type { TokenUsage } from './prices.ts'
import { type OfferedTool, planTurn, type TurnRequest } from './rehearsal-policy.ts'
import { isRecord } from './tool-input.ts'

/*
 * The rehearsal model: a `fetch` that speaks the Messages API in-process and works the tools by rules (see
 * `rehearsal-policy.ts`), so that the whole product runs offline, at once and for nothing. Its answers carry the header
 * `x-cadre-model: rehearsal`, so that whoever shows them can say so; the model's name is echoed. The same request gets
 * the same bytes.
 */

const IDENTITY = { 'x-cadre-model': 'rehearsal' }
const encoder = new TextEncoder()

export const rehearsalFetch: ModelFetch = async (url, init) => {
  init?.signal?.throwIfAborted()
  const { pathname } = new URL(url instanceof Request ? url.url : url)
  if (!pathname.endsWith('/v1/messages') || init?.method !== 'POST') {
    return errorResponse(404, 'not_found_error', 'The rehearsal answers POST /v1/messages alone.')
  }
  if (typeof init.body !== 'string') return errorResponse(400, 'invalid_request_error', 'The body must be JSON.')
  const request = readRequest(init.body)
  if (typeof request === 'string') return errorResponse(400, 'invalid_request_error', request)

  const message = answer(request, init.body)
  const headers = { ...IDENTITY, 'request-id': `req_rehearsal_${message.id.slice(-16)}` }
  if (!request.stream) {
    return new Response(toJsonMessage(message), { headers: { ...headers, 'content-type': 'application/json' } })
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of toEventStream(message)) controller.enqueue(encoder.encode(piece))
      controller.close()
    },
  })
  return new Response(body, { headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' } })
}

interface RehearsedRequest extends TurnRequest {
  readonly model: string
  readonly maxTokens: number
  readonly stream: boolean
  readonly system: unknown
}

/** The request, or what is wrong with it in the API's manner. */
function readRequest(body: string): RehearsedRequest | string {
  let data: unknown
  try {
    data = JSON.parse(body)
  } catch {
    return 'The request body is not valid JSON.'
  }
  if (!isRecord(data)) return 'The request body must be an object.'
  const { model, max_tokens: maxTokens, messages, tools = [], stream = false, system } = data
  if (typeof model !== 'string') return 'model: Field required'
  if (typeof maxTokens !== 'number' || maxTokens < 1) return 'max_tokens: must be at least 1'
  if (!isMessageList(messages)) return 'messages: must be a list that starts with a message of the user'
  if (!isToolList(tools)) return 'tools: each needs a name and an input_schema'
  return { model, maxTokens, messages, tools, stream: stream === true, system }
}

function isMessageList(value: unknown): value is RehearsedRequest['messages'] {
  return (
    Array.isArray(value) &&
    isRecord(value[0]) &&
    value[0].role === 'user' &&
    value.every((message) => isRecord(message) && (typeof message.content === 'string' || isBlockList(message.content)))
  )
}

const isBlockList = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((block) => isRecord(block) && (block.type !== 'text' || typeof block.text === 'string'))

const isToolList = (value: unknown): value is OfferedTool[] =>
  Array.isArray(value) && value.every((tool) => isRecord(tool) && typeof tool.name === 'string')

function answer(request: RehearsedRequest, body: string): WireMessage {
  const turn = planTurn(request)
  const hash = requestHash(body)
  const content: WireMessage['content'] = [
    { type: 'text', text: turn.text },
    ...turn.calls.map((call, index) => ({
      type: 'tool_use' as const,
      id: `toolu_rehearsal_${hash.slice(0, 16)}_${index}`,
      name: call.tool,
      input: call.input,
    })),
  ]
  return {
    id: `msg_rehearsal_${hash}`,
    model: request.model,
    content,
    stopReason: turn.calls.length === 0 ? 'end_turn' : 'tool_use',
    usage: countTokens(request, body, turn),
  }
}

/** Four bytes to a token, and the stable prefix from the cache after the first turn, as a live call would bill it. */
function countTokens(request: RehearsedRequest, body: string, turn: object): TokenUsage {
  const total = tokensOf(Buffer.byteLength(body))
  const isCached =
    Array.isArray(request.system) && request.system.some((block) => isRecord(block) && isRecord(block.cache_control))
  const prefix = isCached
    ? Math.min(total, tokensOf(JSON.stringify(request.system).length + JSON.stringify(request.tools).length))
    : 0
  const isFirst = request.messages.length === 1
  return {
    input: total - prefix,
    output: Math.min(tokensOf(JSON.stringify(turn).length), request.maxTokens),
    cacheRead: isFirst ? 0 : prefix,
    cacheWrite: isFirst ? prefix : 0,
  }
}

const tokensOf = (bytes: number): number => Math.ceil(bytes / 4)

function errorResponse(status: number, type: string, message: string): Response {
  return new Response(toJsonError(type, message), {
    status,
    headers: { ...IDENTITY, 'content-type': 'application/json' },
  })
}
