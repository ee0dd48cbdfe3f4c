import type { MessageParam } from '@anthropic-ai/sdk/resources/messages/messages'
import type { TokenUsage } from './prices.ts'

export interface TextAnswer {
  readonly type: 'text'
  readonly text: string
}
export interface ThinkingAnswer {
  readonly type: 'thinking'
  readonly thinking: string
  readonly signature: string
}
export interface RedactedThinkingAnswer {
  readonly type: 'redacted_thinking'
  readonly data: string
}
export interface ToolUseAnswer {
  readonly type: 'tool_use'
  /** The model's own id of this call: it names the result that answers it and is not stable over retries. */
  readonly id: string
  readonly name: string
  /** The arguments, not yet checked against the tool's schema; `{}` when `invalidJson` is set. */
  readonly input: Readonly<Record<string, unknown>>
  /** The arguments as they came, when they are no JSON object: the call must be answered with an error, not executed. */
  readonly invalidJson?: string
}
export type AnswerBlock = TextAnswer | ThinkingAnswer | RedactedThinkingAnswer | ToolUseAnswer

type Open =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown; json: string }

/**
 * Puts one streamed answer together from its raw events. Not the SDK's own helper, because that one throws on tool
 * arguments that are not JSON and forgets what a cut stream has cost. Events come from a server that may be any gateway:
 * what is unknown or malformed is passed over, never a crash, and what is missing shows in `complete`.
 */
export class AnswerReader {
  model: string | undefined
  stopReason: string | undefined
  #blocks = new Map<number, Open>()
  #stopped = false
  #receivedBytes = 0
  #usage: { input: number; output: number; cacheRead: number; cacheWrite: number } | undefined

  /** Takes one event; returns the text it adds to the answer, or undefined. */
  accept(event: unknown): string | undefined {
    if (!isRecord(event)) return undefined
    switch (event.type) {
      case 'message_start': {
        const message = isRecord(event.message) ? event.message : {}
        this.model = stringOf(message.model)
        this.#readUsage(message.usage)
        return undefined
      }
      case 'content_block_start':
        return this.#open(event.index, event.content_block)
      case 'content_block_delta':
        return this.#extend(event.index, event.delta)
      case 'message_delta':
        if (isRecord(event.delta)) this.stopReason = stringOf(event.delta.stop_reason) ?? this.stopReason
        this.#readUsage(event.usage)
        return undefined
      case 'message_stop':
        this.#stopped = true
        return undefined
      default:
        return undefined
    }
  }

  /** The answer came to its end: what follows from it may be acted upon. */
  get complete(): boolean {
    return this.#stopped && this.stopReason !== undefined
  }

  /** What the provider has reported. Undefined when the stream ended before it said anything. */
  get usage(): TokenUsage | undefined {
    return this.#usage
  }

  /**
   * What a cut stream is billed at most: output is reported only at its end, so every byte that came counts as a token,
   * up to `maxTokens`. Undefined when nothing is known.
   */
  billedAtMost(maxTokens: number): TokenUsage | undefined {
    if (this.#usage === undefined) return undefined
    return { ...this.#usage, output: Math.max(this.#usage.output, Math.min(this.#receivedBytes, maxTokens)) }
  }

  blocks(): AnswerBlock[] {
    return [...this.#blocks.entries()].sort(([a], [b]) => a - b).map(([, block]) => close(block))
  }

  #open(index: unknown, block: unknown): string | undefined {
    if (typeof index !== 'number' || !isRecord(block)) return undefined
    switch (block.type) {
      case 'text': {
        const text = stringOf(block.text) ?? ''
        this.#blocks.set(index, { type: 'text', text })
        return text === '' ? undefined : text
      }
      case 'thinking':
        this.#blocks.set(index, {
          type: 'thinking',
          thinking: stringOf(block.thinking) ?? '',
          signature: stringOf(block.signature) ?? '',
        })
        return undefined
      case 'redacted_thinking':
        this.#blocks.set(index, { type: 'redacted_thinking', data: stringOf(block.data) ?? '' })
        return undefined
      case 'tool_use':
        this.#blocks.set(index, {
          type: 'tool_use',
          id: stringOf(block.id) ?? `call_${index}`,
          name: stringOf(block.name) ?? '',
          input: block.input,
          json: '',
        })
        return undefined
      default:
        // Blocks of server-side tools, none of which is ever requested.
        return undefined
    }
  }

  #extend(index: unknown, delta: unknown): string | undefined {
    const block = typeof index === 'number' ? this.#blocks.get(index) : undefined
    if (block === undefined || !isRecord(delta)) return undefined
    const piece = stringOf(delta.text ?? delta.partial_json ?? delta.thinking ?? delta.signature)
    if (piece === undefined) return undefined
    this.#receivedBytes += Buffer.byteLength(piece)
    if (delta.type === 'text_delta' && block.type === 'text') {
      block.text += piece
      return piece
    }
    if (delta.type === 'input_json_delta' && block.type === 'tool_use') block.json += piece
    if (delta.type === 'thinking_delta' && block.type === 'thinking') block.thinking += piece
    if (delta.type === 'signature_delta' && block.type === 'thinking') block.signature += piece
    return undefined
  }

  /** Counts are cumulative, and null where a later report leaves one out. */
  #readUsage(usage: unknown): void {
    if (!isRecord(usage)) return
    const before = this.#usage ?? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }
    this.#usage = {
      input: countOf(usage.input_tokens) ?? before.input,
      output: countOf(usage.output_tokens) ?? before.output,
      cacheRead: countOf(usage.cache_read_input_tokens) ?? before.cacheRead,
      cacheWrite: countOf(usage.cache_creation_input_tokens) ?? before.cacheWrite,
    }
  }
}

/**
 * An answer as the assistant's message of the next request. The API refuses empty text and arguments that are no
 * object; thinking goes back unchanged, as it requires.
 */
export function assistantMessage(blocks: readonly AnswerBlock[]): MessageParam {
  const content = blocks
    .filter((block) => block.type !== 'text' || block.text.trim() !== '')
    .map((block) =>
      block.type === 'tool_use'
        ? {
            type: block.type,
            id: block.id,
            name: block.name,
            input: block.invalidJson === undefined ? block.input : {},
          }
        : { ...block },
    )
  return { role: 'assistant', content }
}

function close(block: Open): AnswerBlock {
  switch (block.type) {
    case 'text':
      return { ...block, text: storable(block.text) }
    case 'thinking':
      return { ...block, thinking: storable(block.thinking) }
    case 'redacted_thinking':
      return block
    case 'tool_use':
      return closeToolUse(block)
  }
}

function closeToolUse(block: Extract<Open, { type: 'tool_use' }>): AnswerBlock {
  const type = block.type
  const id = storable(block.id)
  const name = storable(block.name)
  const input = block.json === '' ? (block.input ?? {}) : parseJson(block.json)
  if (isRecord(input)) return { type, id, name, input: storableValue(input) as Record<string, unknown> }
  if (block.json === '') return { type, id, name, input: {} }
  return { type, id, name, input: {}, invalidJson: storable(block.json) }
}

/** PostgreSQL's text has no null character and no half of a pair; a model that writes one must not end its run. */
const storable = (text: string): string => text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\ufffd')

function storableValue(value: unknown): unknown {
  if (typeof value === 'string') return storable(value)
  if (Array.isArray(value)) return value.map(storableValue)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [storable(name), storableValue(member)]))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
