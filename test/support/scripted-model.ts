import { onTestFinished } from 'vitest'
import { type AttemptOutcome, createModel, type ModelRequest } from '../../src/agent/model/model.ts'
import type { ModelError } from '../../src/agent/model/model-error.ts'
import { type MessagesServer, type MessagesServerOptions, type Step, startMessagesServer } from './messages-server.ts'

/** A server that does as scripted, until the test is over. */
export async function serve(options: MessagesServerOptions = {}): Promise<MessagesServer> {
  const server = await startMessagesServer({ apiKey: 'right-key', ...options })
  onTestFinished(() => server.stop())
  return server
}

export const request: ModelRequest = {
  purpose: 'ACT',
  model: 'claude-opus-5-5',
  maxTokens: 512,
  system: [{ type: 'text', text: 'You work leads.', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'Grüß Gott' }],
  tools: [
    {
      name: 'open_deal',
      description: 'Opens a deal.',
      input_schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    },
  ],
}

/** A live model at this address. */
export const live = (url: string, over: { apiKey?: string; timeoutMs?: number } = {}) =>
  createModel({ mode: 'live', apiKey: 'right-key', baseUrl: url, timeoutMs: 10_000, ...over })

/** One attempt against a server that does as scripted. */
async function attemptOn(step: Step, over: Partial<ModelRequest> = {}): Promise<AttemptOutcome> {
  const server = await serve({ script: [step] })
  return live(server.url).attempt({ ...request, ...over })
}

/** What becomes of one that must fail. */
export async function errorOn(step: Step, over: Partial<ModelRequest> = {}): Promise<ModelError> {
  const outcome = await attemptOn(step, over)
  if (outcome.ok) throw new Error('an error was expected')
  return outcome.error
}

/** What becomes of one that must be answered. */
export async function answerOn(step: Step, over: Partial<ModelRequest> = {}) {
  const outcome = await attemptOn(step, over)
  if (!outcome.ok) throw new Error(outcome.error.message)
  return outcome.answer
}

/** What a model says. */
export const words = {
  type: 'text',
  text: 'A longer sentence that a model writes piece by piece, with an umlaut: ü, and 🙂.',
} as const
/** What costs nothing. */
export const zero = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }
