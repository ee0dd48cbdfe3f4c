import { z } from 'zod'
import { type AnswerBlock, assistantMessage } from '../../src/agent/model/answer-reader.ts'
import { type BriefBlockInput, renderBriefBlock } from '../../src/agent/model/brief-block.ts'
import { createModel, type Model, type ModelRequest } from '../../src/agent/model/model.ts'

export type Submission = NonNullable<BriefBlockInput['submission']>

/** Inputs as the domains' tools take them. */
const schemas = {
  qualify_submission: z.strictObject({
    submission: z.string(),
    qualified: z.boolean(),
    fit: z.number().min(0).max(1),
    reasons: z.array(z.string()),
  }),
  update_contact: z.strictObject({
    contact: z.string(),
    fields: z.strictObject({
      name: z.string().optional(),
      phone: z.string().optional(),
      companyName: z.string().optional(),
    }),
  }),
  open_deal: z.strictObject({
    submission: z.string(),
    contact: z.string(),
    name: z.string().min(2).max(255),
    amount: z.string().optional(),
    currency: z.string().optional(),
    stage: z.string(),
  }),
  send_inbox_message: z.strictObject({
    priority: z.enum(['LOW', 'NORMAL', 'HIGH', 'URGENT']),
    subject: z.string(),
    blocks: z.array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('text'), text: z.string() }),
        z.strictObject({ type: z.literal('list'), items: z.array(z.string()) }),
      ]),
    ),
  }),
  send_email: z.strictObject({ contact: z.string(), subject: z.string(), body: z.string() }),
}
export type Tool = keyof typeof schemas
export const allTools = Object.keys(schemas) as Tool[]

/** A tool's result: text, or what becomes JSON. */
export interface Reply {
  readonly content: unknown
  readonly isError?: boolean
}
export type Call = { tool: Tool; input: Record<string, unknown> }

/** Plays a run to its end: every call is checked against its schema and answered by `reply`, else with success. */
export async function play(
  submission: Submission,
  options: { tools?: Tool[]; reply?: (call: Call, nth: number) => Reply | undefined; model?: Model } = {},
) {
  const model = options.model ?? createModel({ mode: 'rehearsal', timeoutMs: 10_000 })
  const brief: BriefBlockInput = {
    trigger: 'SUBMISSION',
    autonomy: 'SUPERVISED',
    employee: { name: 'Iris' },
    submission,
  }
  const messages = [{ role: 'user' as const, content: renderBriefBlock(brief) }] as ModelRequest['messages'][number][]
  const turns: Call[][] = []
  const contents: (readonly AnswerBlock[])[] = []
  while (true) {
    const outcome = await model.attempt(requestOf(messages, options.tools ?? allTools))
    if (!outcome.ok) throw new Error(outcome.error.message)
    contents.push(outcome.answer.content)
    const calls = outcome.answer.content.flatMap((block) => (block.type === 'tool_use' ? [block] : []))
    if (calls.length === 0) {
      if (outcome.answer.stopReason !== 'end_turn') throw new Error('a turn without calls must end')
      const [last] = outcome.answer.content
      return { turns, contents, end: last?.type === 'text' ? last.text : '' }
    }
    if (outcome.answer.stopReason !== 'tool_use') throw new Error('a turn with calls must say so')
    const turn = calls.map((call) => ({ tool: call.name as Tool, input: schemas[call.name as Tool].parse(call.input) }))
    turns.push(turn)
    if (turns.length >= 10) throw new Error('the rehearsal does not come to an end')
    messages.push(assistantMessage(outcome.answer.content), {
      role: 'user',
      content: calls.map((call, index) => {
        const played = turn[index] as Call
        const nth = turns.flat().filter((each) => each.tool === played.tool).length
        const reply = options.reply?.(played, nth) ?? { content: { ok: true } }
        const content = typeof reply.content === 'string' ? reply.content : JSON.stringify(reply.content)
        return { type: 'tool_result', tool_use_id: call.id, content, is_error: reply.isError === true }
      }),
    })
  }
}

export function requestOf(messages: ModelRequest['messages'], tools: readonly Tool[]): ModelRequest {
  return {
    purpose: 'ACT',
    model: 'claude-haiku-5-5',
    maxTokens: 1024,
    system: [{ type: 'text', text: 'You are Iris.', cache_control: { type: 'ephemeral' } }],
    messages,
    tools: tools.map((name) => ({
      name,
      description: name,
      input_schema: inputSchemaOf(schemas[name]),
    })),
  }
}

/** zod marks its output with the dialect; the API wants an object schema. */
function inputSchemaOf(schema: z.ZodType): ModelRequest['tools'][number]['input_schema'] {
  const { properties, required, additionalProperties } = z.toJSONSchema(schema, { io: 'input' })
  return { type: 'object', properties, required: required ?? [], additionalProperties }
}

/** One answer of a form; `value` where it is not the text. */
export const answer = (key: string, type: string, text: string, value: unknown = text) => ({
  key,
  label: key,
  type,
  text,
  value,
})

/** A lead that meets its criteria and asks to be called. */
export const kite: Submission = {
  id: 'submission_1',
  form: { name: 'Book a demo', slug: 'book-a-demo' },
  answers: [
    answer('email', 'EMAIL', 'kim@kite.example'),
    answer('name', 'TEXT', 'Kim Lee'),
    answer('company', 'TEXT', 'Kite & Co'),
    answer('phone', 'PHONE', '+43 660 12345', '+4366012345'),
    answer('team_size', 'NUMBER', '40', 40),
    answer('budget', 'CURRENCY', '24,000 EUR', { amount: '24000', currency: 'EUR' }),
    answer('call_me', 'CHECKBOX', 'Yes', true),
  ],
  criteria: {
    conditions: [
      { field: 'team_size', op: 'gte', value: 20, weight: 2, label: 'Team size' },
      { field: 'budget', op: 'gte', value: 10_000, weight: 3, label: 'Budget' },
      { field: 'timeline', op: 'present', weight: 1, label: 'Timeline' },
    ],
  },
  contact: { id: 'contact_1', email: 'kim@kite.example', known: false },
  pipeline: {
    id: 'pipeline_1',
    name: 'Sales',
    currency: 'USD',
    stages: [
      { id: 'stage_new', name: 'New', kind: 'OPEN' },
      { id: 'stage_won', name: 'Won', kind: 'WON' },
    ],
  },
}
