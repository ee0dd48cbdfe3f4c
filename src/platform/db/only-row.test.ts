import { expect, it } from 'vitest'
import { onlyRow } from './only-row.ts'

it('an answer without the row that always comes is a fault, not a row of nothing', () => {
  expect(onlyRow({ rows: [{ n: 1 }] })).toEqual({ n: 1 })
  expect(() => onlyRow({ rows: [] })).toThrow('PostgreSQL answered without a row')
})
