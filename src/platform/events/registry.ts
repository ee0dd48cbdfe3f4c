import type { EventType, Names, StoredEvent } from './event.ts'

const TYPE = /^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/

/** `deal.stage_changed` is `DEAL_STAGE_CHANGED` in the API's enum. */
export const enumName = (type: string): string => type.replace('.', '_').toUpperCase()

/** `deal.stage_changed` has its details in the GraphQL type `DealStageChanged`. */
export const detailName = (type: string): string =>
  type
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

/** Every type of event this code knows, by name. */
export interface EventTypes {
  /** All of them, sorted by their name in the log. */
  readonly all: readonly EventType[]
  /** What outlives the erasure of the person it concerns: each type's `keptUnless`, by the name in the log. */
  readonly kept: Readonly<Record<string, readonly string[]>>
  /** Undefined for a type that a newer process wrote. */
  find(type: string): EventType | undefined
  /** The type's name in the log by its value in the API's enum: `DEAL_STAGE_CHANGED` gives `deal.stage_changed`. */
  findByEnumName(name: string): EventType | undefined
  /**
   * The sentence a person reads, with today's names; a neutral one for a type this code does not know and for an event that
   * was erased, which says so.
   */
  summarize(event: StoredEvent, names: Names): Promise<string>
}

/**
 * Gathers what the domains define with `defineEvents`. Throws when a name is malformed or taken twice, be it in the log
 * or in the API (`a.b_c` and `a_b.c` are one enum value).
 */
export function createEventTypes(domains: readonly Readonly<Record<string, EventType>>[]): EventTypes {
  const byType = new Map<string, EventType>()
  const byEnumName = new Map<string, EventType>()
  for (const definition of domains.flatMap((domain) => Object.values(domain))) {
    const { type } = definition
    if (!TYPE.test(type)) throw new Error(`the event type "${type}" is not of the form noun.past_tense`)
    const taken = byEnumName.get(enumName(type))
    if (taken !== undefined) throw new Error(`the event type "${type}" is defined twice (as "${taken.type}" before)`)
    byType.set(type, definition)
    byEnumName.set(enumName(type), definition)
  }
  return {
    all: [...byType.values()].sort((a, b) => (a.type < b.type ? -1 : 1)),
    kept: Object.fromEntries(
      [...byType.values()].flatMap(({ type, keptUnless }) => (keptUnless === undefined ? [] : [[type, keptUnless]])),
    ),
    find: (type) => byType.get(type),
    findByEnumName: (name) => byEnumName.get(name),
    summarize: async (event, names) => {
      if (event.erasedAt !== null) return `${neutralSummary(event.type)} (erased)`
      return byType.get(event.type)?.summary(event, names) ?? neutralSummary(event.type)
    },
  }
}

/** `deal.stage_changed` reads "Deal stage changed". */
function neutralSummary(type: string): string {
  const words = type.replaceAll(/[._]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
