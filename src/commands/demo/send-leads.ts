import { setTimeout as sleep } from 'node:timers/promises'
import type { FieldDescription, Lead } from './lead.ts'

/** What became of one lead at the door. */
export interface Sent {
  readonly lead: Lead
  readonly accepted: boolean
  /** Stored before already: this post was a repetition. */
  readonly replayed: boolean
  /** HTTP status of the final answer. */
  readonly status: number
  /** Why it was refused, in the server's words. */
  readonly reason: string | null
}

interface FormDescription {
  readonly name: string
  readonly fields: readonly FieldDescription[]
}

/** The form as its page describes it to programs. */
export async function describeForm(formUrl: string): Promise<FormDescription> {
  const response = await fetch(formUrl, { headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`${formUrl} answered ${response.status}`)
  return (await response.json()) as FormDescription
}

/**
 * Posts each lead to the form, `concurrency` at a time. A post that gets no answer (the server is being restarted) or
 * `UNAVAILABLE` is repeated with the same id until `patienceMs` are over; the id makes that safe.
 */
export async function sendLeads(
  leads: AsyncIterable<Lead> | Iterable<Lead>,
  options: {
    readonly formUrl: string
    readonly concurrency: number
    readonly patienceMs: number
    readonly onSent: (sent: Sent) => void
  },
): Promise<void> {
  const source = (
    Symbol.asyncIterator in leads ? leads[Symbol.asyncIterator]() : leads[Symbol.iterator]()
  ) as AsyncIterator<Lead>
  // One reader at a time: a generator that reads a file is not asked twice at once.
  let turn: Promise<unknown> = Promise.resolve()
  const next = (): Promise<IteratorResult<Lead>> => {
    const mine = turn.then(() => source.next())
    turn = mine.catch(() => {})
    return mine
  }
  const worker = async (): Promise<void> => {
    for (let item = await next(); item.done !== true; item = await next()) {
      options.onSent(await sendOne(item.value, options.formUrl, options.patienceMs))
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
}

async function sendOne(lead: Lead, formUrl: string, patienceMs: number): Promise<Sent> {
  const giveUpAt = performance.now() + patienceMs
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(formUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', 'idempotency-key': lead.id },
        body: JSON.stringify(lead.answers),
      })
      const body = (await response.json().catch(() => ({}))) as { title?: string; detail?: string }
      if (response.status < 500) {
        const reason = response.ok ? null : (body.detail ?? body.title ?? `HTTP ${response.status}`)
        return { lead, accepted: response.ok, replayed: response.status === 200, status: response.status, reason }
      }
      if (performance.now() > giveUpAt) throw new Error(`${formUrl} answers ${response.status}`)
    } catch (err) {
      if (performance.now() > giveUpAt) throw err
    }
    await sleep(Math.min(50 * 2 ** attempt, 1_000) * (0.5 + Math.random() / 2))
  }
}
