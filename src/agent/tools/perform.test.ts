import pg from 'pg'
import { expect, test } from 'vitest'
import { invalidInput } from '../../platform/lib/errors.ts'
import { endsTheTurn } from './perform.ts'

const refused = (code: string, message = 'refused') =>
  Object.assign(new pg.DatabaseError(message, 0, 'error'), { code })

test.each([
  ['a serialization failure', refused('40001')],
  ['a deadlock', refused('40P01')],
  ['a connection that was lost', refused('57P01')],
  ['a plan from before a migration', refused('0A000', 'cached plan must not change result type')],
])('%s ends the turn: it is not the tool’s failure and the model is not told', (_what, err) => {
  expect(endsTheTurn(err)).toBe(true)
})

test.each([
  ['a row that is there already', refused('23505')],
  ['what PostgreSQL cannot do', refused('0A000', 'cannot lock rows in a view')],
  ['an input that is refused', invalidInput([])],
  ['a fault in the tool', new TypeError('x is undefined')],
])('%s is the tool’s failure: the turn goes on', (_what, err) => {
  expect(endsTheTurn(err)).toBe(false)
})
