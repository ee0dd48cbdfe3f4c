import { describe, expect, it } from 'vitest'
import { canRunGo, isTerminal, RUN_STATUSES } from './model.ts'
import { beginText, endText, followText, type TextPiece, writeText } from './text-lane.ts'

describe('a run', () => {
  it('leaves none of its four ends', () => {
    const ends = RUN_STATUSES.filter(isTerminal)
    expect(ends).toEqual(['SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'])
    for (const from of ends) for (const to of RUN_STATUSES) expect(canRunGo(from, to)).toBe(false)
  })

  it('that waits goes on through the queue, never at once', () => {
    expect(canRunGo('WAITING', 'QUEUED')).toBe(true)
    expect(canRunGo('WAITING', 'RUNNING')).toBe(false)
  })
})

describe('the text of a turn', () => {
  const follow = (runId: string): { pieces: TextPiece[]; leave: () => void } => {
    const pieces: TextPiece[] = []
    return { pieces, leave: followText(runId, (piece) => pieces.push(piece)) }
  }

  it('reaches who follows from the place where they came in', () => {
    beginText('r1', 4)
    writeText('r1', 'unheard ')
    const { pieces, leave } = follow('r1')
    writeText('r1', 'heard')
    writeText('r1', ' too')
    endText('r1')
    expect(pieces).toEqual([{ seq: 4, offset: 8, text: 'heard too' }])
    leave()
  })

  it('begins anew at 0 with another attempt', () => {
    const { pieces, leave } = follow('r2')
    beginText('r2', 0)
    writeText('r2', 'first try')
    beginText('r2', 0)
    writeText('r2', 'second')
    endText('r2')
    expect(pieces.map(({ offset, text }) => [offset, text])).toEqual([
      [0, 'first try'],
      [0, 'second'],
    ])
    leave()
  })

  it('reaches nobody who has left, and other runs never', () => {
    const one = follow('r3')
    const other = follow('r4')
    one.leave()
    beginText('r3', 0)
    writeText('r3', 'text')
    endText('r3')
    expect([...one.pieces, ...other.pieces]).toEqual([])
    other.leave()
  })
})
