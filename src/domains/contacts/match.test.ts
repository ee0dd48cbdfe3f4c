import { expect, test } from 'vitest'
import { insertWorkspace, systemContext } from '../../../test/support/context.ts'
import { openTestWorkspace } from '../../../test/support/open-test-workspace.ts'
import { type MatchContactInput, matchOrCreateContact } from './service.ts'

const { db, ctx } = openTestWorkspace(20)

const match = (input: MatchContactInput) => db.inTransaction(ctx, (tx) => matchOrCreateContact(tx, input))

const eventsOf = (id: string | undefined) =>
  db.read(ctx.workspaceId, (sql) =>
    sql
      .selectFrom('eventOutbox')
      .select(['type', 'changes'])
      .where('subjectId', '=', id ?? '')
      .orderBy('id')
      .execute(),
  )

test('twenty transactions that bring one new e-mail at once make one contact', async () => {
  const email = 'twenty@example.com'
  const matched = await Promise.all(Array.from({ length: 20 }, () => match({ email })))
  expect(new Set(matched.map((each) => each?.contact.id)).size).toBe(1)
  expect(matched.filter((each) => each?.created)).toHaveLength(1)
  expect((await eventsOf(matched[0]?.contact.id)).map((event) => event.type)).toEqual(['contact.created'])
})

test('twenty transactions that bring one new phone number and no e-mail make one contact', async () => {
  const matched = await Promise.all(Array.from({ length: 20 }, () => match({ phone: '+49 30 123456' })))
  expect(new Set(matched.map((each) => each?.contact.id)).size).toBe(1)
})

test('another spelling of the e-mail finds the same contact, and what was empty is filled once', async () => {
  const first = await match({ email: 'Grace@Example.com', name: 'Grace' })
  const second = await match({
    email: 'grace@example.COM ',
    name: 'G. Hopper',
    companyName: 'Navy',
    phone: '+1 415 555 2671',
  })
  expect(second?.contact).toMatchObject({
    id: first?.contact.id,
    name: 'Grace',
    email: 'Grace@Example.com',
    companyName: 'Navy',
    phone: '+14155552671',
    version: 2,
  })
  expect(second?.filled).toEqual(['phone', 'companyName'])
  const third = await match({ email: 'grace@example.com', companyName: 'Army' })
  expect(third?.filled).toEqual([])
  const [, updated, ...more] = await eventsOf(first?.contact.id)
  expect(more).toEqual([])
  expect(updated).toMatchObject({
    type: 'contact.updated',
    changes: [
      { field: 'phone', from: null, to: '+14155552671' },
      { field: 'companyName', from: null, to: 'Navy' },
    ],
  })
})

test("a customer's empty phone and company are not filled from a form, only the name is", async () => {
  const first = await match({ email: 'customer@example.com' })
  await db.inTransaction(ctx, (tx) =>
    tx.sql
      .updateTable('contact')
      .set({ lifecycle: 'CUSTOMER' })
      .where('id', '=', first?.contact.id ?? '')
      .execute(),
  )
  const claims = { email: 'customer@example.com', name: 'Kim', phone: '+1 415 555 2672', companyName: 'Evil Ltd' }
  const second = await match(claims)
  expect(second?.filled).toEqual(['name'])
  expect(second?.contact).toMatchObject({ name: 'Kim', phone: null, companyName: null })
})

test('a name that is filled can be searched for', async () => {
  await match({ email: 'asa@example.com' })
  const matched = await match({ email: 'asa@example.com', name: 'Åsa Öberg' })
  expect(matched?.contact.nameFolded).toBe('asa oberg')
})

test('without a valid e-mail or phone number nobody is matched and nothing is written', async () => {
  const count = () =>
    db.read(ctx.workspaceId, (sql) =>
      sql
        .selectFrom('contact')
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow(),
    )
  const before = await count()
  expect(await match({ name: 'Nobody', email: 'not an address', phone: '12' })).toBeNull()
  expect(await count()).toEqual(before)
})

test('the same e-mail in another workspace is another contact', async () => {
  const other = systemContext(db, (await insertWorkspace(db, 'Other')).id)
  const here = await match({ email: 'both@example.com' })
  const there = await db.inTransaction(other, (tx) => matchOrCreateContact(tx, { email: 'both@example.com' }))
  expect(there?.created).toBe(true)
  expect(there?.contact.id).not.toBe(here?.contact.id)
})
