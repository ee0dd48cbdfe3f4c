import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCursor, parseCursor } from './cursor.ts'

const place = fc.record({
  epoch: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  position: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
})

describe('a cursor', () => {
  it('is read back as the place it was made from, and has one width', () => {
    fc.assert(
      fc.property(place, (at) => {
        expect(parseCursor(formatCursor(at))).toEqual(at)
        expect(formatCursor(at)).toHaveLength(24)
      }),
    )
  })

  it('compares as a string in the order of the log: epoch first, then position', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const later = a.epoch !== b.epoch ? a.epoch > b.epoch : a.position > b.position
        expect(formatCursor(a) > formatCursor(b)).toBe(later)
      }),
    )
  })

  it('that was not given out is INVALID_INPUT, and the field is named', () => {
    const good = formatCursor({ epoch: 3, position: 255n })
    const max = { epoch: 2 ** 31 - 1, position: 2n ** 63n - 1n }
    expect(parseCursor(formatCursor(max))).toEqual(max)
    const bad = ['', '1', good.toUpperCase(), `${good}\n`, ` ${good}`, `${good}0`, good.slice(1), 'f'.repeat(24)]
    for (const text of [...bad, `${'0'.repeat(8)}8${'0'.repeat(15)}`, `-${good.slice(1)}`]) {
      expect(() => parseCursor(text, ['from'])).toThrow(
        expect.objectContaining({
          code: 'INVALID_INPUT',
          details: { issues: [expect.objectContaining({ path: ['from'] })] },
        }),
      )
    }
  })
})
