import { createHash } from 'node:crypto'
import type { TokenUsage } from './prices.ts'

/*
 * The answering side of the Messages API: how a message goes over the wire, as server-sent events or as one JSON object.
 * Used by the rehearsal in-process and by the local Messages server over HTTP.
 */

export type WireBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | {
      readonly type: 'tool_use'
      readonly id: string
      readonly name: string
      readonly input: unknown
      /** Sent in place of `input`, however broken: only over a stream. */
      readonly rawJson?: string
    }

export interface WireMessage {
  readonly id: string
  readonly model: string
  readonly content: readonly WireBlock[]
  readonly stopReason: string
  readonly usage: TokenUsage
}

/** The stream in pieces, each a whole number of events; text comes in several pieces, as from a model that writes. */
export function toEventStream(message: WireMessage): string[] {
  const pieces: string[] = []
  const start = { ...envelope(message), content: [], stop_reason: null, stop_sequence: null }
  let pending = event('message_start', {
    message: { ...start, usage: { ...usageOf(message.usage), output_tokens: 1 } },
  })
  const flush = () => {
    if (pending !== '') pieces.push(pending)
    pending = ''
  }
  for (const [index, block] of message.content.entries()) {
    pending += event('content_block_start', { index, content_block: emptied(block) })
    for (const delta of deltasOf(block)) {
      pending += event('content_block_delta', { index, delta })
      if (block.type === 'text') flush()
    }
    pending += event('content_block_stop', { index })
  }
  pending += event('message_delta', {
    delta: { stop_reason: message.stopReason, stop_sequence: null },
    usage: { output_tokens: message.usage.output },
  })
  pending += event('message_stop', {})
  flush()
  return pieces
}

/** The message as it comes without `stream: true`. */
export function toJsonMessage(message: WireMessage): string {
  return JSON.stringify({
    ...envelope(message),
    content: message.content.map((block) =>
      block.type === 'tool_use' ? { type: block.type, id: block.id, name: block.name, input: block.input } : block,
    ),
    stop_reason: message.stopReason,
    stop_sequence: null,
    usage: usageOf(message.usage),
  })
}

export const toJsonError = (type: string, message: string): string =>
  JSON.stringify({ type: 'error', error: { type, message } })

/** One `event: …` with its data. */
export const event = (type: string, data: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`

/** Ids of an answer follow from its request: the same request is answered with the same bytes. */
export const requestHash = (body: string): string => createHash('sha1').update(body).digest('hex')

function envelope(message: WireMessage) {
  return { id: message.id, type: 'message', role: 'assistant', model: message.model }
}

function usageOf(usage: TokenUsage) {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite,
    cache_read_input_tokens: usage.cacheRead,
    output_tokens: usage.output,
  }
}

function emptied(block: WireBlock): object {
  if (block.type === 'text') return { type: 'text', text: '' }
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' }
  return { type: 'tool_use', id: block.id, name: block.name, input: {} }
}

function deltasOf(block: WireBlock): object[] {
  switch (block.type) {
    case 'text':
      return piecesOf(block.text, 48).map((text) => ({ type: 'text_delta', text }))
    case 'thinking':
      return [
        ...piecesOf(block.thinking, 200).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: block.signature },
      ]
    case 'tool_use':
      return piecesOf(block.rawJson ?? JSON.stringify(block.input), 2000).map((partial_json) => ({
        type: 'input_json_delta',
        partial_json,
      }))
  }
}

/** Cuts after about `size` characters, never between the halves of one. */
function piecesOf(text: string, size: number): string[] {
  const pieces: string[] = []
  let start = 0
  while (start < text.length) {
    let end = Math.min(start + size, text.length)
    const code = text.charCodeAt(end - 1)
    if (code >= 0xd800 && code <= 0xdbff && end < text.length) end += 1
    pieces.push(text.slice(start, end))
    start = end
  }
  return pieces
}
