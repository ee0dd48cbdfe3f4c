import type { Tx } from '../../platform/db/transaction.ts'
import type { FieldChange } from '../../platform/events/event.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { Handlers } from './model.ts'

/*
 * The handlers of a form stand in a group of their own: a strategy, the employees in their order, and the counter that
 * ROUND_ROBIN takes turns by.
 */

/** Writes the group and its members; NOT_FOUND for an employee that is not there. Returns the group's row id. */
export async function createHandlers(tx: Tx, name: string, handlers: Handlers): Promise<string> {
  const id = newId()
  await assertEmployees(tx, handlers.employees)
  await tx.sql
    .insertInto('handlerGroup')
    .values({
      workspaceId: tx.workspaceId,
      id,
      name,
      strategy: handlers.strategy,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  await insertMembers(tx, id, handlers.employees)
  return id
}

/**
 * Puts other handlers in the place of a form's: undefined leaves them, null takes them away. Submissions keep whom they
 * went to. Returns the form's group afterwards, and what changed, for its event.
 */
export async function replaceHandlers(
  tx: Tx,
  form: { readonly name: string; readonly handlerGroupId: string | null },
  handlers: Handlers | null | undefined,
): Promise<{ readonly groupId: string | null; readonly changes: readonly FieldChange[] }> {
  const { handlerGroupId } = form
  if (handlers === undefined) return { groupId: handlerGroupId, changes: [] }
  const before = handlerGroupId === null ? null : await describe(tx, handlerGroupId)
  const after = handlers === null ? null : textOf(handlers.strategy, handlers.employees)
  if (before === after) return { groupId: handlerGroupId, changes: [] }
  const changes = [{ field: 'handlers', from: before, to: after }]
  if (handlerGroupId === null) {
    return { groupId: handlers === null ? null : await createHandlers(tx, form.name, handlers), changes }
  }
  if (handlers === null) return { groupId: null, changes }
  await assertEmployees(tx, handlers.employees)
  await tx.sql
    .updateTable('handlerGroup')
    .set((eb) => ({ strategy: handlers.strategy, version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('id', '=', handlerGroupId)
    .execute()
  await tx.sql.deleteFrom('handlerGroupMember').where('groupId', '=', handlerGroupId).execute()
  await insertMembers(tx, handlerGroupId, handlers.employees)
  return { groupId: handlerGroupId, changes }
}

const textOf = (strategy: string, employeeIds: readonly string[]): string =>
  `${strategy}: ${employeeIds.map((id) => encodeId('employee', id)).join(', ')}`

async function describe(tx: Tx, groupId: string): Promise<string> {
  const rows = await tx.sql
    .selectFrom('handlerGroup')
    .leftJoin('handlerGroupMember', 'handlerGroupMember.groupId', 'handlerGroup.id')
    .select(['handlerGroup.strategy', 'handlerGroupMember.employeeId'])
    .where('handlerGroup.id', '=', groupId)
    .orderBy('handlerGroupMember.position')
    .execute()
  return textOf(
    rows[0]?.strategy ?? '',
    rows.flatMap((row) => (row.employeeId === null ? [] : [row.employeeId])),
  )
}

async function insertMembers(tx: Tx, groupId: string, employeeIds: readonly string[]): Promise<void> {
  await tx.sql
    .insertInto('handlerGroupMember')
    .values(employeeIds.map((employeeId, position) => ({ workspaceId: tx.workspaceId, groupId, employeeId, position })))
    .execute()
}

async function assertEmployees(tx: Tx, employeeIds: readonly string[]): Promise<void> {
  const rows = await tx.sql.selectFrom('employee').select('id').where('id', 'in', employeeIds).execute()
  const found = new Set(rows.map((row) => row.id))
  const missing = employeeIds.find((id) => !found.has(id))
  if (missing !== undefined) throw notFound('Employee', encodeId('employee', missing))
}
