import { expect, test } from 'vitest'
import { z } from 'zod'
import { EMPLOYEE_TOOLS } from '../../domains/employees/model.ts'
import { inboxTools } from '../../domains/inbox/tools.ts'
import { createMailer } from '../../domains/mail/mailer.ts'
import { createToolRegistry, registryOf } from './registry.ts'

test('an employee can be granted exactly the tools there are', () => {
  const mailer = createMailer({ folder: 'no-mail-is-sent', defaultFrom: 'cadre@localhost' })
  const registry = createToolRegistry({ mailer })
  expect(registry.all.map(({ name }) => name).sort()).toEqual([...EMPLOYEE_TOOLS].sort())
})

test('two tools of one name are refused, and so is one whose arguments are no object', () => {
  expect(() => registryOf([...inboxTools, ...inboxTools])).toThrow('two tools have one name')
  const listing = inboxTools.map((tool) => ({ ...tool, input: z.array(z.string()) as never }))
  expect(() => registryOf(listing)).toThrow('send_inbox_message takes no object')
})
