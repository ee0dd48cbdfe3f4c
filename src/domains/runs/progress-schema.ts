import { builder } from '../../platform/graphql/builder.ts'
import { nodeField } from '../../platform/graphql/node-field.ts'
import { type Streamed, startOf, subscription } from '../../platform/graphql/subscription.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { decodeId, encodeId } from '../../platform/lib/ids.ts'
import { followRun, type RunUpdate } from './progress.ts'

type Update<Kind extends RunUpdate['kind']> = Extract<RunUpdate, { readonly kind: Kind }>

const CURSOR = 'Its position in the log: resume after it.'

const RunChanged = builder.objectRef<Update<'RUN'>>('RunChanged').implement({
  description: 'The run came to another status, or is to stop.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: CURSOR }),
    run: t.field(nodeField('Run', 'The run as it is now.', ({ runId }: Update<'RUN'>) => runId)),
  }),
})

const StepChanged = builder.objectRef<Update<'STEP'>>('StepChanged').implement({
  description: 'A step was recorded, or came to another status.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: CURSOR }),
    step: t.field(
      nodeField('RunStep', 'The step as it is now.', ({ runId, seq }: Update<'STEP'>) => `${runId}_${seq}`),
    ),
  }),
})

const StepText = builder.objectRef<Update<'TEXT'>>('StepText').implement({
  description:
    'Text of a step while it is written, from `offset` on: best effort, never stored. The step follows as StepChanged, and its text wins. An offset of 0 begins anew.',
  fields: (t) => ({
    stepId: t.id({
      description: 'The id that the step will have.',
      resolve: ({ runId, seq }) => encodeId('step', `${runId}_${seq}`),
    }),
    offset: t.exposeInt('offset', { description: 'Where it belongs in the step’s text, in UTF-16 units.' }),
    text: t.exposeString('text', { description: 'The text.' }),
  }),
})

const CaughtUp = builder.objectRef<Update<'CAUGHT_UP'>>('CaughtUp').implement({
  description: 'Everything before this position has been sent: the stream is live.',
  fields: (t) => ({ cursor: t.expose('cursor', { type: 'Cursor', description: 'The position.' }) }),
})

const TYPENAMES: Readonly<Record<RunUpdate['kind'], string>> = {
  RUN: 'RunChanged',
  STEP: 'StepChanged',
  TEXT: 'StepText',
  CAUGHT_UP: 'CaughtUp',
}

const RunUpdateUnion = builder.unionType('RunUpdate', {
  description: 'What happens in a run.',
  types: [RunChanged, StepChanged, StepText, CaughtUp],
  resolveType: (update) => TYPENAMES[(update as RunUpdate).kind],
})

subscription('runProgress', {
  type: RunUpdateUnion,
  description:
    'One run until it ends: what happened so far, then each change and the text of a turn while it is written. Completes with the run.',
  permission: 'RUNS_READ',
  args: (t) => ({
    run: t.id({ required: true, description: 'The run.' }),
    after: t.field({
      type: 'Cursor',
      description: 'Only what comes after this position; from its beginning without it.',
    }),
  }),
  stream: async ({ run, after }, ctx) => {
    const runId = decodeId('run', run, 'Run')
    const found = await ctx.db.read(ctx.workspaceId, (sql) =>
      sql.selectFrom('run').select('id').where('id', '=', runId).executeTakeFirst(),
    )
    if (found === undefined) throw notFound('Run', run)
    const start = startOf({ after }, ctx)
    return withCursors(
      await followRun({
        feed: ctx.feed,
        workspaceId: ctx.workspaceId,
        runId,
        after: start.after,
        signal: ctx.signal,
      }),
    )
  },
})

/** Text does not move the place to resume from. */
function withCursors(updates: AsyncIterableIterator<RunUpdate>): AsyncIterableIterator<Streamed<RunUpdate>> {
  const wrap = (result: IteratorResult<RunUpdate>): IteratorResult<Streamed<RunUpdate>> => {
    if (result.done === true) return { done: true, value: undefined }
    const item = result.value
    return { done: false, value: item.kind === 'TEXT' ? { item } : { item, cursor: item.cursor } }
  }
  return {
    next: async () => wrap(await updates.next()),
    return: async () => {
      await updates.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
