import { beforeAll, expect, test } from 'vitest'
import { insertWorkspace, systemContext } from '../../../test/support/context.ts'
import { openTestDatabase } from '../../../test/support/open-test-database.ts'
import type { Ctx } from '../../platform/context.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { InternalTool, Tool } from '../../platform/tools/tool.ts'
import { matchOrCreateContact } from './service.ts'
import { contactTools } from './tools.ts'

const { db } = openTestDatabase()
let ctx: Ctx

beforeAll(async () => {
  const workspace = await insertWorkspace(db)
  ctx = {
    ...systemContext(db, workspace.id),
    viewer: { kind: 'employee', employeeId: newId(), name: 'Iris', runId: newId() },
  }
})

const tool = contactTools.find(({ name }) => name === 'update_contact') as Tool & InternalTool<unknown>
const update = (contact: string, fields: Record<string, unknown>) =>
  db.inTransaction(ctx, async (tx) => (await tool.run(tx, tool.input.parse({ contact, fields }))).output)

test('an employee completes a contact, and is told what was filled and what was kept', async () => {
  const known = await db.inTransaction(ctx, (tx) =>
    matchOrCreateContact(tx, { email: 'kim@kite.example', name: 'Kim Lee' }),
  )
  const contact = encodeId('contact', known?.contact.id ?? '')
  expect(await update(contact, { name: 'Mr. Lee', phone: '+43 660 12345', companyName: 'Kite & Co' })).toEqual({
    contact,
    filled: ['phone', 'companyName'],
    kept: [{ field: 'name', value: 'Kim Lee' }],
  })
  expect(await update(contact, { phone: '+43 660 99999' })).toEqual({
    contact,
    filled: [],
    kept: [{ field: 'phone', value: '+4366012345' }],
  })
  const title = await db.inTransaction(ctx, (tx) => tool.title(tx, { contact, fields: {} }))
  expect(title).toBe('Complete the contact Kim Lee')
})

test('a number without a country code is refused, an unknown contact not found', async () => {
  const contact = encodeId('contact', newId())
  expect(tool.input.safeParse({ contact, fields: { phone: '660 12345' } }).error?.issues[0]?.path).toEqual([
    'fields',
    'phone',
  ])
  await expect(update(contact, { name: 'Nobody' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    details: { id: contact },
  })
  await expect(update('Kim', { name: 'Nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
