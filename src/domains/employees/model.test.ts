import { expect, test } from 'vitest'
import { canEmployeeGo, createEmployeeInput, EMPLOYEE_STATUSES, updateEmployeeInput } from './model.ts'

const iris = { name: 'Iris', role: 'SDR', title: 'Sales development', autonomy: 'AUTONOMOUS' }
const fieldsOf = (input: object) =>
  createEmployeeInput.safeParse({ ...iris, ...input }).error?.issues.map((issue) => issue.path.join('.'))

test('an employee is paused and resumed as often as one likes, and leaves once', () => {
  expect(canEmployeeGo('ACTIVE', 'PAUSED') && canEmployeeGo('PAUSED', 'ACTIVE')).toBe(true)
  expect(EMPLOYEE_STATUSES.filter((status) => canEmployeeGo('OFFBOARDED', status))).toEqual([])
})

test('an employee does not go to where it is', () =>
  expect(EMPLOYEE_STATUSES.filter((status) => canEmployeeGo(status, status))).toEqual([]))

test.each([
  [{ name: 'I' }, ['name']],
  [{ title: 'x'.repeat(256) }, ['title']],
  [{ instructions: 'x'.repeat(20_001) }, ['instructions']],
  [{ email: 'iris' }, ['email']],
  [{ tools: ['launch_rocket'] }, ['tools.0']],
  [{ tools: ['send_email', 'send_email'] }, ['tools']],
  [{ autonomy: 'FULL', role: 'CEO' }, ['role', 'autonomy']],
])('%j is refused and each wrong field is named', (input, fields) => expect(fieldsOf(input)).toEqual(fields))

test('in an update a field left out stays out, null clears what may be empty, and a name cannot be cleared', () => {
  const id = 'employee_0192f3a4-7c3e-7000-8000-000000000001'
  expect(updateEmployeeInput.parse({ id, model: null })).toEqual({ id: id.slice(9), model: null })
  expect(updateEmployeeInput.safeParse({ id, name: null }).success).toBe(false)
})
