/*
 * The text of a turn while it is written, on its way to whoever follows the run in this process. Best effort and never
 * stored: the step's final text follows as a durable change with the same id and wins. Pieces are gathered for a moment, so
 * that a fast model does not make a message of every token. Text for which nobody listens is only counted.
 */

/** Text of the step `seq` from `offset` (in UTF-16 units, as JavaScript counts) on. */
export interface TextPiece {
  readonly seq: number
  readonly offset: number
  readonly text: string
}

type Listener = (piece: TextPiece) => void

interface Writing {
  readonly seq: number
  /** Where the gathered text begins. */
  offset: number
  gathered: string
  timer: NodeJS.Timeout | undefined
}

const GATHER_MS = 75

const listeners = new Map<string, Set<Listener>>()
const writing = new Map<string, Writing>()

/** A step's text begins, or begins again with another attempt. */
export function beginText(runId: string, seq: number): void {
  endText(runId)
  writing.set(runId, { seq, offset: 0, gathered: '', timer: undefined })
}

export function writeText(runId: string, delta: string): void {
  const current = writing.get(runId)
  if (current === undefined) return
  if (!listeners.has(runId)) {
    current.offset += delta.length
    return
  }
  current.gathered += delta
  current.timer ??= setTimeout(() => deliver(runId, current), GATHER_MS)
}

/** Delivers what is gathered and forgets the step. */
export function endText(runId: string): void {
  const current = writing.get(runId)
  if (current === undefined) return
  writing.delete(runId)
  deliver(runId, current)
}

/** Calls `listener` with the run's text as it comes, from now on; it must not throw. Returns how to stop. */
export function followText(runId: string, listener: Listener): () => void {
  const known = listeners.get(runId) ?? new Set()
  listeners.set(runId, known.add(listener))
  return () => {
    known.delete(listener)
    if (known.size === 0 && listeners.get(runId) === known) listeners.delete(runId)
  }
}

function deliver(runId: string, current: Writing): void {
  clearTimeout(current.timer)
  current.timer = undefined
  const { seq, offset, gathered } = current
  if (gathered === '') return
  current.offset += gathered.length
  current.gathered = ''
  for (const listener of listeners.get(runId) ?? []) listener({ seq, offset, text: gathered })
}
