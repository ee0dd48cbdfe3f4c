import type { StoredEvent } from '../../platform/events/event.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { eventNode, optionalEventNode } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { decodeId } from '../../platform/lib/ids.ts'
import { effectEvents, runEvents, stepEvents } from './events.ts'

const run = eventNode('Run', 'The run.')
const employee = optionalEventNode('Employee', 'Who works on it.', (event) => event.data.employeeId)
const step = optionalEventNode('RunStep', 'The step; null before it is recorded.', (event) => stepIdOf(event))

const stepIdOf = ({ subject, data }: StoredEvent): string | null =>
  typeof data.seq === 'number' ? `${subject.id}_${data.seq}` : null

const runs = eventDetails(runEvents, {
  queued: (t) => ({ run: t.field(run), employee: t.field(employee) }),
  started: (t) => ({ run: t.field(run), employee: t.field(employee) }),
  waiting: (t) => ({ run: t.field(run), employee: t.field(employee) }),
  resumed: (t) => ({ run: t.field(run), employee: t.field(employee) }),
  cancelRequested: (t) => ({ run: t.field(run), employee: t.field(employee) }),
  finished: (t) => ({ run: t.field(run), employee: t.field(employee) }),
})

const steps = eventDetails(stepEvents, {
  started: (t) => ({ run: t.field(run), step: t.field(step) }),
  finished: (t) => ({ run: t.field(run), step: t.field(step) }),
})

const effects = eventDetails(effectEvents, {
  confirmed: (t) => ({ run: t.field(run), step: t.field(step) }),
  failed: (t) => ({ run: t.field(run), step: t.field(step) }),
  unknown: (t) => ({ run: t.field(run), step: t.field(step) }),
})

const ofEmployee = {
  args: (t: Parameters<NonNullable<Parameters<typeof topic>[2]['args']>>[0]) => ({
    employee: t.id({ description: 'Only runs of this employee.' }),
  }),
  where: ({ employee: publicId }: { readonly employee?: string | null | undefined }) => {
    if (publicId == null) return {}
    const employeeId = decodeId('employee', publicId, 'Employee')
    return { matches: (event: StoredEvent) => event.data.employeeId === employeeId }
  },
}

topic('runStarted', runs.started, { description: 'Runs that begin.', ...ofEmployee })
topic('runWaiting', runs.waiting, { description: 'Runs that cannot go on before something happens.', ...ofEmployee })
topic('runFinished', runs.finished, { description: 'Runs that end, one way or the other.', ...ofEmployee })
topic('stepFinished', steps.finished, {
  description: 'Steps of all runs. To follow a single run with its text, use `runProgress`.',
})
topic('effectUnknown', effects.unknown, {
  description: 'Acts of which nobody knows whether they happened: somebody has to look.',
})
