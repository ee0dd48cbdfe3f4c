import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { Money } from '../../platform/graphql/money.ts'
import { node } from '../../platform/graphql/node.ts'
import { optionalNodeField } from '../../platform/graphql/node-field.ts'
import type { Tokens } from './journal.ts'
import type { EffectStatus, StepKind, StepStatus } from './model.ts'

/** A step of a run as clients see it: what a timeline shows is plain, the rest stands in `detail`. */

const StepKindEnum = describeEnum<StepKind>('StepKind', 'What a step is.', {
  MODEL_TURN: 'The model was asked and answered.',
  TOOL_CALL: 'The employee used one of its tools, or wanted to.',
  NOTE: 'Something worth knowing, e.g. that no model answered for a while.',
})

const StepStatusEnum = describeEnum<StepStatus>('StepStatus', 'What became of a step.', {
  RUNNING: 'It is under way.',
  DONE: 'It is done.',
  FAILED: 'It went wrong; the employee knows and goes on.',
  WAITING: 'It waits for somebody’s approval.',
  REFUSED: 'It was not allowed, or somebody said no.',
})

const EffectStatusEnum = describeEnum<EffectStatus>('EffectStatus', 'How far an act with consequences got.', {
  INTENDED: 'It is to be done.',
  SENT: 'It is on its way; the other side has not confirmed it.',
  CONFIRMED: 'It happened.',
  FAILED: 'It did not happen.',
  UNKNOWN: 'Nobody knows whether it happened. It is never repeated by itself.',
})

const DecisionEnum = describeEnum<'ALLOW' | 'ASK' | 'DENY'>('Decision', 'What the policy says to an act.', {
  ALLOW: 'It may be done.',
  ASK: 'A person is asked first.',
  DENY: 'It may not be done.',
})

export const TokenUsage = builder.objectRef<Tokens>('TokenUsage').implement({
  description: 'What model calls read and wrote, in tokens. The four do not overlap.',
  fields: (t) => ({
    input: t.exposeInt('input', { description: 'Read anew.' }),
    output: t.exposeInt('output', { description: 'Written.' }),
    cacheRead: t.exposeInt('cacheRead', { description: 'Read from the provider’s cache.' }),
    cacheWrite: t.exposeInt('cacheWrite', { description: 'Put into the provider’s cache.' }),
  }),
})

interface StepRow {
  readonly kind: string
  readonly data: Readonly<Record<string, unknown>>
  readonly approvalId: string | null
  readonly effect: EffectRow | null
}

interface EffectRow {
  readonly status: string
  readonly target: string
  readonly error: string | null
  readonly confirmedAt: Date | null
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const countOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null)

const ModelTurn = builder.objectRef<StepRow>('ModelTurn').implement({
  description: 'What the model answered.',
  fields: (t) => ({
    model: t.string({ description: 'Which model.', resolve: ({ data }) => text(data.model) }),
    text: t.string({ description: 'Its words, beside the tools it called.', resolve: ({ data }) => text(data.text) }),
    tokens: t.field({
      type: TokenUsage,
      description: 'What the call read and wrote.',
      resolve: ({ data }) => data.tokens as Tokens,
    }),
    latencyMs: t.int({
      nullable: true,
      description: 'How long the answer took, in milliseconds.',
      resolve: ({ data }) => countOrNull(data.latencyMs),
    }),
    attempts: t.int({
      nullable: true,
      description: 'How many attempts it took.',
      resolve: ({ data }) => countOrNull(data.attempts),
    }),
    fallbackReason: t.string({
      nullable: true,
      description: 'Why another model than the employee’s own answered; null when its own did.',
      resolve: ({ data }) => textOrNull(data.fallbackReason),
    }),
    rehearsal: t.boolean({
      description: 'The built-in rehearsal model answered, not a real one.',
      resolve: ({ data }) => data.rehearsal === true,
    }),
  }),
})

const Effect = builder.objectRef<EffectRow>('Effect').implement({
  description: 'The consequence of an act, as the ledger has it.',
  fields: (t) => ({
    status: t.field({
      type: EffectStatusEnum,
      description: 'How far it got.',
      resolve: ({ status }) => status as EffectStatus,
    }),
    target: t.string({
      nullable: true,
      description: 'Where it went, e.g. an e-mail address; null inside the house.',
      resolve: ({ target }) => (target === '' ? null : target),
    }),
    error: t.exposeString('error', { nullable: true, description: 'Why it did not happen, or why nobody knows.' }),
    confirmedAt: t.expose('confirmedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was known to have happened.',
    }),
  }),
})

const ToolCall = builder.objectRef<StepRow>('ToolCall').implement({
  description: 'A tool that was used, or was to be used.',
  fields: (t) => ({
    tool: t.string({ description: 'Its name, as the model calls it.', resolve: ({ data }) => text(data.tool) }),
    input: t.field({ type: 'JSON', description: 'The arguments.', resolve: ({ data }) => data.input ?? {} }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What came of it, as the model was told; null while it is open.',
      resolve: ({ data }) => data.output ?? null,
    }),
    isError: t.boolean({ description: 'It went wrong or was refused.', resolve: ({ data }) => data.isError === true }),
    decision: t.field({
      type: DecisionEnum,
      nullable: true,
      description: 'What the policy said; null when the call was no valid one.',
      resolve: ({ data }) => textOrNull(data.decision) as 'ALLOW' | 'ASK' | 'DENY' | null,
    }),
    rule: t.string({
      nullable: true,
      description: 'The rule that decided.',
      resolve: ({ data }) => textOrNull(data.rule),
    }),
    effect: t.field({
      type: Effect,
      nullable: true,
      description: 'Its consequence; null when there is none.',
      resolve: ({ effect }) => effect,
    }),
    approval: t.field(
      optionalNodeField(
        'Approval',
        'What was asked first; null when nobody was.',
        ({ approvalId }: StepRow) => approvalId,
      ),
    ),
  }),
})

const Note = builder.objectRef<StepRow>('Note').implement({
  description: 'Something worth knowing about a run.',
  fields: (t) => ({ text: t.string({ description: 'In words.', resolve: ({ data }) => text(data.text) }) }),
})

const DETAIL_TYPES: Readonly<Record<string, string>> = { MODEL_TURN: 'ModelTurn', TOOL_CALL: 'ToolCall', NOTE: 'Note' }

const StepDetail = builder.unionType('StepDetail', {
  description: 'What is special about a kind of step.',
  types: [ModelTurn, ToolCall, Note],
  resolveType: (row) => DETAIL_TYPES[(row as StepRow).kind],
})

const Step = builder.prismaNode('RunStep', {
  ...node(
    'RunStep',
    { kind: 'step', typename: 'Step' },
    {
      select: { workspaceId: true, runId: true, seq: true },
      id: (step: { workspaceId: string; runId: string; seq: number }) => `${step.runId}_${step.seq}`,
      where: (id, workspaceId) => {
        const match = /^([0-9a-f-]{36})_(\d{1,9})$/i.exec(id)
        return match === null
          ? undefined
          : { workspaceId_runId_seq: { workspaceId, runId: match[1]?.toLowerCase(), seq: Number(match[2]) } }
      },
    },
  ),
  permission: 'RUNS_READ',
  description: 'One thing that was thought or done in a run.',
  fields: (t) => ({
    index: t.exposeInt('seq', { description: 'Its place in the run, from 0.' }),
    turn: t.exposeInt('turn', { description: 'The turn of the model it belongs to, from 0.' }),
    kind: t.expose('kind', { type: StepKindEnum, description: 'What it is.' }),
    status: t.expose('status', { type: StepStatusEnum, description: 'What became of it.' }),
    title: t.exposeString('title'),
    startedAt: t.expose('startedAt', { type: 'DateTime' }),
    durationMs: t.int({
      nullable: true,
      description: 'How long it took, in milliseconds; null while it is open.',
      select: { startedAt: true, finishedAt: true },
      resolve: ({ startedAt, finishedAt }) =>
        finishedAt === null ? null : Math.max(0, finishedAt.getTime() - startedAt.getTime()),
    }),
    cost: t.field({
      type: Money,
      nullable: true,
      description: 'What the model call cost; null for other steps.',
      select: { kind: true, costMicros: true },
      resolve: ({ kind, costMicros }) => (kind === 'MODEL_TURN' ? { micros: costMicros, currency: 'USD' } : null),
    }),
    run: t.relation('run', { description: 'The run it belongs to.' }),
    detail: t.field({
      type: StepDetail,
      description: 'What is special about this kind of step.',
      select: {
        kind: true,
        data: true,
        approvalId: true,
        effect: { select: { status: true, target: true, error: true, confirmedAt: true } },
      },
      resolve: (step) => step as unknown as StepRow,
    }),
  }),
})

export const stepList = listOf('Step', {
  table: 'runStep',
  model: 'RunStep',
  type: Step,
  key: ['runId', 'seq'],
  defaultOrder: [{ column: 'seq', direction: 'ASC' }],
})
