import type { TokenUsage } from '../../agent/model/prices.ts'
import type { DemoOutcomesQuery } from '../../client/gql/graphql.ts'
import type { Requester } from '../../client/request.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { DemoOutcomes } from './documents.ts'

type Submission = DemoOutcomesQuery['submissions']['nodes'][number]

/** The closing account: every accepted lead stands in exactly one of `finished`, `waiting` and `open`, or is missing. */
export interface Outcomes {
  /** Contacts that came with these leads, and contacts that were there before. */
  readonly contacts: { readonly new: number; readonly known: number }
  readonly deals: number
  readonly runs: number
  readonly finished: number
  /** Waiting for a person. */
  readonly waiting: number
  /** Queued, being worked on, or waiting for something else than a person: for a model that does not answer. */
  readonly open: number
  /** Ended otherwise than well: failed, cancelled, expired. */
  readonly ended: number
  readonly costMicros: bigint
  /** What the rules read and wrote, by the model they stood in for; empty where a model was asked. */
  readonly rehearsed: ReadonlyMap<string, TokenUsage>
  readonly rehearsal: boolean
  /** Leads that are not as they should be, with what is wrong: no submission, no contact, not exactly one run. */
  readonly unaccounted: readonly string[]
}

const PAGE = 50

/** Looks every lead up by its id and adds up what became of it. */
export async function accountFor(ids: readonly string[], request: Requester): Promise<Outcomes> {
  const contacts = { new: new Set<string>(), known: new Set<string>() }
  let deals = 0
  let runs = 0
  let costMicros = 0n
  const rehearsed = new Map<string, TokenUsage>()
  let rehearsal = false
  const ends = { finished: 0, waiting: 0, open: 0, ended: 0 }
  const unaccounted: string[] = []
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE)
    const { submissions } = await request(DemoOutcomes, { ids: page.map((id) => encodeId('submission', id)) })
    const found = new Map(submissions.nodes.map((submission) => [submission.id, submission]))
    for (const id of page) {
      const submission = found.get(encodeId('submission', id))
      const fault = faultOf(submission)
      if (fault !== undefined) unaccounted.push(`${id}: ${fault}`)
      if (submission === undefined) continue
      const { contact, receivedAt } = submission
      if (contact !== null) contacts[contact.createdAt >= receivedAt ? 'new' : 'known'].add(contact.id)
      if (submission.deal !== null) deals++
      runs += submission.runs.length
      for (const run of submission.runs) {
        ends[endOf(run)]++
        costMicros += BigInt(run.cost.micros)
        rehearsal ||= run.rehearsal
        if (run.rehearsal) rehearsed.set(run.model ?? '', sum(rehearsed.get(run.model ?? ''), run.tokens))
      }
    }
  }
  // Who came with one of these leads was there already when the next came.
  const known = [...contacts.known].filter((id) => !contacts.new.has(id)).length
  return {
    contacts: { new: contacts.new.size, known },
    ...{ deals, runs, ...ends, costMicros, rehearsed, rehearsal, unaccounted },
  }
}

const sum = (a: TokenUsage | undefined, b: TokenUsage): TokenUsage => ({
  input: (a?.input ?? 0) + b.input,
  output: (a?.output ?? 0) + b.output,
  cacheRead: (a?.cacheRead ?? 0) + b.cacheRead,
  cacheWrite: (a?.cacheWrite ?? 0) + b.cacheWrite,
})

function faultOf(submission: Submission | undefined): string | undefined {
  if (submission === undefined) return 'accepted, but not there'
  if (submission.contact === null) return 'has no contact'
  if (submission.runs.length !== 1) return `has ${submission.runs.length} runs`
  return undefined
}

type Run = Submission['runs'][number]

function endOf({ status, waitingFor }: Run): 'finished' | 'waiting' | 'open' | 'ended' {
  switch (status) {
    case 'SUCCEEDED':
      return 'finished'
    case 'WAITING':
      return waitingFor === null ? 'open' : 'waiting'
    case 'QUEUED':
    case 'RUNNING':
      return 'open'
    default:
      return 'ended'
  }
}
