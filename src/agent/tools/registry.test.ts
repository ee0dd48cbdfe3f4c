import { expect, test } from 'vitest'
import { EMPLOYEE_TOOLS } from '../../domains/employees/model.ts'
import { createMailer } from '../../domains/mail/mailer.ts'
import { createToolRegistry } from './registry.ts'

test('an employee can be granted exactly the tools there are', () => {
  const mailer = createMailer({ folder: 'no-mail-is-sent', defaultFrom: 'cadre@localhost' })
  const registry = createToolRegistry({ mailer })
  expect(registry.all.map(({ name }) => name).sort()).toEqual([...EMPLOYEE_TOOLS].sort())
})
