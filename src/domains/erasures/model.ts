import { createHash } from 'node:crypto'
import { z } from 'zod'
import { NODE_OF_ACTOR, type StoredActor } from '../../platform/auth/viewer.ts'
import type { StoredEvent } from '../../platform/events/event.ts'
import { fold } from '../../platform/lib/fold.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { publicId } from '../../platform/lib/parse.ts'

/*
 * An erasure: a person's data leaves, following where it came from and what became of it. Ids, amounts and figures stay. One for each person; the person's own record is emptied in the transaction that asks for it, the rest follows.
 *
 * QUEUED → RUNNING → SUCCEEDED. There is no failure: what goes wrong is tried again until nothing is left.
 */

export const ERASURE_STATUSES = ['QUEUED', 'RUNNING', 'SUCCEEDED'] as const
export type ErasureStatus = (typeof ERASURE_STATUSES)[number]

/** Of whom an erasure is: somebody who came from outside, or somebody who signed in. */
export type SubjectKind = 'contact' | 'member'

/** What stands where a text was that must not be empty. */
export const ERASED = 'Erased'

export const eraseContactInput = z.object({
  id: publicId('contact', 'Contact'),
  reason: z.string().trim().min(1).max(500).nullish(),
})
export type EraseContactInput = z.output<typeof eraseContactInput>

/** By what a person is recognised outside of their own records; kept while the erasure is under way, not longer. */
export interface Traces {
  /** In every spelling that is known, the normalised ones among them. */
  readonly emails: readonly string[]
  readonly phones: readonly string[]
  readonly names: readonly string[]
}

/** By what and up to when: who comes with the same address later is somebody else. */
export interface Sought {
  readonly traces: Traces
  readonly requestedAt: Date
}

const SHORTEST_PHONE = 5
/** Short words that stand in names and name nobody. */
const PARTICLES = new Set(['al', 'da', 'de', 'di', 'do', 'du', 'el', 'la', 'le', 'mc', 'of', 'op', 'te', 'zu'])
/** Written without spaces: a name is part of a longer word there. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

const wordsOf = (text: string): string[] => fold(text).match(/[\p{Letter}\p{Number}]+/gu) ?? []
const digitsOf = (text: string): string => text.replace(/\D/g, '')

/**
 * Whether a text names the person: by e-mail address, phone number, or a part of the name that stands there as a word.
 * Rather once too often: a family name may be a company's, too.
 */
export function namesPerson(text: string, { emails, phones, names }: Traces): boolean {
  const folded = fold(text)
  if (emails.some((email) => folded.includes(fold(email)))) return true
  const digits = digitsOf(text)
  if (phones.map(digitsOf).some((phone) => phone.length >= SHORTEST_PHONE && digits.includes(phone))) return true
  const words = new Set(wordsOf(text))
  return names
    .flatMap(wordsOf)
    .some(
      (part) =>
        (isTelling(part) && words.has(part)) || (UNSPACED.test(part) && part.length > 1 && folded.includes(part)),
    )
}

/** By itself a single letter is nobody's name, nor is what stands in everybody's. */
const isTelling = (part: string): boolean => part.length > 1 && !PARTICLES.has(part)

/** Rows by table: what an erasure has emptied or removed. */
export type Counts = Readonly<Record<string, number>>

export interface Certified {
  readonly id: string
  readonly workspaceId: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly requestedBy: StoredActor
  readonly requestedAt: Date
  readonly finishedAt: Date
  readonly counts: Counts
}

/** The certificate as the text that its digest (SHA-256, hexadecimal) is over: JSON, ids and figures alone. */
export function certify(certified: Certified): { readonly document: string; readonly digest: string } {
  const { id, workspaceId, subject, requestedBy, requestedAt, finishedAt, counts } = certified
  const document = JSON.stringify({
    erasure: encodeId('erasure', id),
    workspace: encodeId('workspace', workspaceId),
    subject: encodeId(subject.kind, subject.id),
    requestedBy: publicActor(requestedBy),
    requestedAt: requestedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    counts: countList(counts),
  })
  return { document, digest: createHash('sha256').update(document).digest('hex') }
}

function publicActor({ kind, id }: StoredActor): StoredActor {
  const node = NODE_OF_ACTOR[kind]
  return node === undefined || id === undefined ? { kind } : { kind, id: encodeId(node, id) }
}

/** Sorted by table; those of which nothing was found are left out. */
export const countList = (counts: Counts): { readonly table: string; readonly rows: number }[] =>
  Object.entries(counts)
    .filter(([, rows]) => rows > 0)
    .map(([table, rows]) => ({ table, rows }))
    .sort((a, b) => (a.table < b.table ? -1 : 1))

export const addCounts = (counts: Counts, more: Counts): Counts => {
  const sum: Record<string, number> = { ...counts }
  for (const [table, rows] of Object.entries(more)) if (rows > 0) sum[table] = (sum[table] ?? 0) + rows
  return sum
}

export const sumOf = (all: readonly Counts[]): Counts => all.reduce(addCounts, {})

export const isNothing = (counts: Counts): boolean => Object.values(counts).every((rows) => rows === 0)

/** What the event of a certificate says was emptied or removed, in all. */
export function rowsErased({ data }: StoredEvent): number {
  const counts = Array.isArray(data.counts) ? (data.counts as readonly { readonly rows?: unknown }[]) : []
  return counts.reduce((sum, { rows }) => sum + (typeof rows === 'number' ? rows : 0), 0)
}
