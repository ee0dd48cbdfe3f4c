import type { BriefBlock, BriefSubmission } from './brief-block.ts'
import { parseBriefBlock } from './brief-block.ts'
import { evaluateCriteria, type Verdict } from './criteria.ts'
import { draftEmail, draftInboxMessage, summarise } from './rehearsal-drafts.ts'
import { type Facts, readFacts } from './rehearsal-facts.ts'
import { type Act, readActs } from './rehearsal-history.ts'
import { fitToolInput, type Known } from './tool-input.ts'

/*
 * How the rehearsal decides: a pure function from a request to the next turn. It sees the brief, the tools offered and
 * the results so far, nothing else, and keeps nothing between calls.
 *
 * A submission is worked in at most four turns: judge it by its typed criteria and complete the contact; if it
 * qualifies open a deal and tell people, if the criteria do not settle it tell them as well; write to the person where the answers ask for it;
 * say in one or two sentences what became of it. A tool that is not offered is left out. A tool that failed is tried
 * once more with different arguments where there are any; one that was rejected is not tried again and ends the work
 * that depends on it.
 */

export interface OfferedTool {
  readonly name: string
  readonly input_schema: unknown
}

export interface PlannedTurn {
  readonly text: string
  /** None: the turn ends. */
  readonly calls: readonly { readonly tool: string; readonly input: Record<string, unknown> }[]
}

export interface TurnRequest {
  readonly messages: Parameters<typeof parseBriefBlock>[0]
  readonly tools: readonly OfferedTool[]
}

export function planTurn(request: TurnRequest): PlannedTurn {
  const brief = parseBriefBlock(request.messages)
  if (brief === null) return end('There is no brief in this conversation, and I work by rules alone: I did nothing.')
  if (brief.trigger !== 'SUBMISSION' || brief.submission === undefined) {
    return end(`I work by rules and have none for the trigger ${brief.trigger.slice(0, 40)}: I did nothing.`)
  }
  return workSubmission(brief, brief.submission, new Bench(request.tools, readActs(request.messages)))
}

function workSubmission(brief: BriefBlock, submission: BriefSubmission, bench: Bench): PlannedTurn {
  const facts = readFacts(submission)
  const verdict = evaluateCriteria(submission.criteria, submission.answers)
  const finish = () => end(summarise(facts, verdict, bench.acts, bench.impossible))

  const judge = bench.use('qualify_submission', {
    submission: submission.id,
    qualified: verdict.qualified,
    fit: verdict.fit,
    reasons: verdict.reasons,
    reason: verdict.reasons.join(' '),
  })
  const complete = completeContact(submission, facts, bench)
  if (judge.call !== null) {
    const text = `Holding ${facts.subject} against the criteria of ${submission.form.name}.`
    return { text, calls: [judge.call, ...callOf(complete)] }
  }
  if (judge.stopped) return finish()

  if (!verdict.qualified) {
    const tell = verdict.unsure ? bench.use('send_inbox_message', inboxKnown(submission, facts, verdict)) : null
    const calls = [...callOf(complete), ...callOf(tell)]
    const text = verdict.unsure ? 'The criteria do not settle it, so I tell a person.' : 'It does not qualify.'
    return calls.length === 0 ? finish() : { text, calls }
  }

  const open = openDeal(submission, facts, bench)
  const tell = bench.use('send_inbox_message', inboxKnown(submission, facts, verdict))
  const calls = [...callOf(complete), ...callOf(open), ...callOf(tell)]
  if (calls.length > 0) {
    return { text: `It fits (${verdict.fit.toFixed(2)}): I open a deal and tell the team.`, calls }
  }
  if (open.stopped) return finish()

  const write = writeToContact(brief, submission, facts, bench)
  if (write !== null && write.call !== null) {
    return { text: `I write an e-mail to ${facts.subject}.`, calls: [write.call] }
  }
  return finish()
}

function completeContact(submission: BriefSubmission, facts: Facts, bench: Bench): Step | null {
  const { missing } = facts
  if (submission.contact === null || Object.keys(missing).length === 0) return null
  const known = { submission: submission.id, contact: submission.contact.id }
  // A number that is no valid number is the likeliest reason to be refused.
  const { phone: _, ...withoutPhone } = missing
  const lesser =
    Object.keys(withoutPhone).length === 0 ? undefined : { ...known, fields: withoutPhone, ...withoutPhone }
  const step = bench.use('update_contact', { ...known, fields: missing, ...missing }, lesser)
  // A tool that has no place for any of it is not called with nothing.
  const said = JSON.stringify(step.call?.input)
  return step.call === null || Object.values(missing).some((value) => said.includes(JSON.stringify(value)))
    ? step
    : null
}

function openDeal(submission: BriefSubmission, facts: Facts, bench: Bench): Step {
  const stage = submission.pipeline?.stages.find((each) => each.kind === 'OPEN')
  const known = {
    submission: submission.id,
    contact: submission.contact?.id,
    name: dealName(facts),
    title: dealName(facts),
    company: facts.company,
    pipeline: submission.pipeline?.id,
    stage: stage?.id,
  }
  if (facts.amount === null) return bench.use('open_deal', known)
  const { amount, currency } = facts.amount
  const amountMicros = String(Math.round(Number(amount) * 1_000_000))
  return bench.use('open_deal', { ...known, amount, currency, amountMicros }, known)
}

/** A deal's name has two characters at least; a company's or a person's may have one. */
function dealName({ subject, name }: Facts): string {
  if (subject.length > 1) return subject
  return name === null || name === subject ? `Deal with ${subject}` : `${subject} (${name})`
}

function inboxKnown(submission: BriefSubmission, facts: Facts, verdict: Verdict): Known {
  const draft = draftInboxMessage(submission, facts, verdict)
  return { ...draft, body: draft.text, submission: submission.id, contact: submission.contact?.id }
}

function writeToContact(brief: BriefBlock, submission: BriefSubmission, facts: Facts, bench: Bench): Step | null {
  const wanted = facts.wantsContact || (submission.requestedTools.includes('send_email') && !facts.forbidsMail)
  if (!wanted || submission.contact?.email == null) return null
  const draft = draftEmail(brief, submission, facts)
  return bench.use('send_email', {
    ...draft,
    text: draft.body,
    contact: submission.contact.id,
    submission: submission.id,
  })
}

type Call = PlannedTurn['calls'][number]

/** A tool's place in the work: a call to make now, or none because it is settled; `stopped` when it went wrong. */
interface Step {
  readonly call: Call | null
  readonly stopped: boolean
}

/** The tools at hand and what has become of each. */
class Bench {
  readonly acts: readonly Act[]
  /** Tools that were wanted and offered but need something nobody has said. */
  readonly impossible: string[] = []
  readonly #tools: ReadonlyMap<string, OfferedTool>

  constructor(tools: readonly OfferedTool[], acts: readonly Act[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
    this.acts = acts
  }

  use(tool: string, known: Known, lesser?: Known): Step {
    const offered = this.#tools.get(tool)
    if (offered === undefined) return SETTLED
    const before = this.acts.filter((act) => act.tool === tool)
    const last = before.at(-1)
    if (last === undefined) {
      const input = fitToolInput(offered.input_schema, known)
      if (input !== null) return { call: { tool, input }, stopped: false }
      this.impossible.push(tool)
      return STOPPED
    }
    if (last.state === 'DONE') return SETTLED
    if (last.state !== 'FAILED' || before.length > 1) return STOPPED
    const second = this.#secondInput(offered, last, known, lesser)
    return second === null ? STOPPED : { call: { tool, input: second }, stopped: false }
  }

  /** The same again only where the fault was not in the arguments. */
  #secondInput(tool: OfferedTool, failed: Act, known: Known, lesser?: Known): Record<string, unknown> | null {
    if (failed.code === 'UNAVAILABLE') return fitToolInput(tool.input_schema, known)
    const input = fitToolInput(tool.input_schema, lesser ?? known, lesser === undefined)
    return input === null || JSON.stringify(input) === JSON.stringify(failed.input) ? null : input
  }
}

const SETTLED: Step = { call: null, stopped: false }
const STOPPED: Step = { call: null, stopped: true }

const callOf = (step: Step | null): Call[] => (step === null || step.call === null ? [] : [step.call])

const end = (text: string): PlannedTurn => ({ text, calls: [] })
