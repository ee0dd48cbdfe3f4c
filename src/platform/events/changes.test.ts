import { describe, expect, it } from 'vitest'
import { changesBetween } from './changes.ts'

describe('what an event tells as changed', () => {
  it('is what differs, as a person would write it', () => {
    const before = { name: 'Kite', seats: 4n, tools: ['a'], due: null, open: true }
    const after = { name: 'Kite', seats: 40n, tools: ['a', 'b'], due: new Date(0), open: false }
    expect(changesBetween(before, after)).toEqual([
      { field: 'seats', from: '4', to: '40' },
      { field: 'tools', from: 'a', to: 'a, b' },
      { field: 'due', from: null, to: '1970-01-01T00:00:00.000Z' },
      { field: 'open', from: 'true', to: 'false' },
    ])
  })

  it('has nothing of a field that is left out, and tells one that is cleared', () => {
    expect(changesBetween({ name: 'Kite', note: 'a' }, { name: undefined, note: null })).toEqual([
      { field: 'note', from: 'a', to: null },
    ])
    expect(changesBetween({}, { note: 1 })).toEqual([{ field: 'note', from: null, to: '1' }])
  })
})
