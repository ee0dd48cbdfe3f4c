import { describe, expect, test } from 'vitest'
import { addDuration, parseDuration } from './duration.ts'

const at = (text: string, duration: string): string | undefined => {
  const parsed = parseDuration(duration)
  return parsed === undefined ? undefined : addDuration(new Date(text), parsed)?.toISOString()
}

describe('a duration', () => {
  test.each(['P7D', '-P7D', 'PT30M', 'P1Y2M3DT4H5M6S', 'P2W', '+P1D', 'PT0.5S'])('%s is one', (text) => {
    expect(parseDuration(text)).toBeDefined()
  })

  test.each(['', 'P', 'PT', '7D', '-7', 'P7', 'P1DT', 'tomorrow', 'P7D7', `P${'1'.repeat(80)}D`])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  test('is counted from a moment, in calendar months and in fixed days', () => {
    expect(at('2026-03-31T12:00:00Z', '-P1M')).toBe('2026-02-28T12:00:00.000Z')
    expect(at('2024-02-29T00:00:00Z', 'P1Y')).toBe('2025-02-28T00:00:00.000Z')
    expect(at('2026-01-01T00:00:00Z', '-P7D')).toBe('2025-12-25T00:00:00.000Z')
    expect(at('2026-01-01T00:00:00Z', 'PT90M')).toBe('2026-01-01T01:30:00.000Z')
    expect(at('2026-01-31T00:00:00Z', 'P1W')).toBe('2026-02-07T00:00:00.000Z')
  })

  test('that leads beyond the calendar leads nowhere', () => {
    expect(at('2026-01-01T00:00:00Z', 'P999999999Y')).toBeUndefined()
  })
})
