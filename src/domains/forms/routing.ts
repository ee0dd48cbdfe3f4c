import { sql } from 'kysely'
import { statement } from '../../platform/db/statement.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import type { HandlerStrategy } from './model.ts'

export interface RoutableForm {
  readonly handlerGroupId: string | null
  readonly strategy: HandlerStrategy | null
}

/**
 * Picks the employee who takes the next submission: PRINCIPAL the first of the group, ROUND_ROBIN one after the other.
 * Paused and offboarded ones are skipped; null when nobody is left, or the form has no handlers. One statement. With
 * ROUND_ROBIN the group's row stays locked until the transaction ends, so call it late: no two get the same turn.
 */
export async function route(tx: Tx, form: RoutableForm): Promise<string | null> {
  if (form.handlerGroupId === null || form.strategy === null) return null
  return form.strategy === 'PRINCIPAL' ? principal(tx, form.handlerGroupId) : nextInTurn(tx, form.handlerGroupId)
}

async function principal(tx: Tx, groupId: string): Promise<string | null> {
  const [first] = await tx.run(firstOfGroup, { groupId })
  return first?.employeeId ?? null
}

const firstOfGroup = statement((template, input: { readonly groupId: string }) =>
  template
    .selectFrom('handlerGroupMember')
    .innerJoin('employee', 'employee.id', 'handlerGroupMember.employeeId')
    .select('handlerGroupMember.employeeId')
    .where('handlerGroupMember.groupId', '=', input.groupId)
    .where('employee.status', 'not in', ['PAUSED', 'OFFBOARDED'])
    .orderBy('handlerGroupMember.position')
    .orderBy('handlerGroupMember.employeeId')
    .limit(1),
)

async function nextInTurn(tx: Tx, groupId: string): Promise<string | null> {
  const [row] = await tx.run(takeTurn, { groupId })
  if (row?.employeeIds == null || row.employeeIds.length === 0) return null
  return row.employeeIds[(row.turn - 1 + row.employeeIds.length) % row.employeeIds.length] ?? null
}

const takeTurn = statement((template, input: { readonly groupId: string }) =>
  template
    .updateTable('handlerGroup')
    // Far below the column's largest number, and divisible by every group size up to 22: nobody is skipped at the wrap.
    .set({ turn: sql<number>`(turn + 1) % 232792560` })
    .where('id', '=', input.groupId)
    .returning((eb) => [
      'turn',
      eb
        .selectFrom('handlerGroupMember')
        .innerJoin('employee', 'employee.id', 'handlerGroupMember.employeeId')
        .select(
          sql<string[] | null>`array_agg(handler_group_member.employee_id
            order by handler_group_member.position, handler_group_member.employee_id)`.as('ids'),
        )
        .whereRef('handlerGroupMember.groupId', '=', 'handlerGroup.id')
        .where('employee.status', 'not in', ['PAUSED', 'OFFBOARDED'])
        .as('employeeIds'),
    ]),
)
