import type { EventType, Names, StoredEvent } from '../../src/platform/events/event.ts'
import { storedEvent } from './stored-event.ts'

/** Names that say what they are asked for: `{deal d1}`; an actor is called by its kind. */
const names: Names = {
  of: async (kind, id) => `{${kind} ${id}}`,
  actor: async ({ kind }) => kind,
}

/** The sentence of an event by a member, about the thing `1`. */
export async function sentenceOf(type: EventType, rest: Partial<StoredEvent> = {}): Promise<string> {
  const event = storedEvent({ type: type.type, subject: { kind: type.subject, id: '1' }, ...rest })
  return await type.summary(event, names)
}

/** One field that changed to `to`. */
export const changed = (field: string, to: string | null, from: string | null = null) => ({ field, from, to })
