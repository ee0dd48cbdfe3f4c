import type { Selectable } from 'kysely'
import { requirePermission } from '../../platform/auth/permissions.ts'
import { json, type Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import type { FieldChange } from '../../platform/events/event.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { fold } from '../../platform/lib/fold.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { cancelRunsOfEmployee, wakeRunsOfEmployee } from '../runs/service.ts'
import { employeeEvents } from './events.ts'
import {
  type Autonomy,
  type ChangeEmployeeStatusInput,
  type CreateEmployeeInput,
  canEmployeeGo,
  type EmployeeDefinition,
  type EmployeeRole,
  type EmployeeStatus,
  type UpdateEmployeeInput,
} from './model.ts'

type EmployeeRow = Selectable<Tables['employee']>

/** An employee's row with its texts read as what the database's CHECKs let them be. */
export interface Employee extends Omit<EmployeeRow, 'role' | 'autonomy' | 'status'> {
  readonly role: EmployeeRole
  readonly autonomy: Autonomy
  readonly status: EmployeeStatus
}

/** Hires an employee; it is ACTIVE at once. Needs EMPLOYEES_WRITE. CONFLICT when the `id` is taken. */
export async function createEmployee(tx: Tx, input: CreateEmployeeInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'EMPLOYEES_WRITE')
  const id = input.id ?? newId()
  const definition: EmployeeDefinition = {
    name: input.name,
    role: input.role,
    title: input.title,
    email: input.email ?? null,
    instructions: input.instructions ?? '',
    autonomy: input.autonomy,
    tools: input.tools ?? [],
    model: input.model ?? null,
  }
  await tx.sql
    .insertInto('employee')
    .values({
      workspaceId: tx.workspaceId,
      id,
      ...definition,
      nameFolded: fold(definition.name),
      status: 'ACTIVE',
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  await keepVersion(tx, id, 1, definition)
  appendEvents(tx, [{ type: employeeEvents.created.type, subject: { kind: 'employee', id }, subjectVersion: 1 }])
  return { id }
}

/**
 * Changes what is given; null clears. Makes a new version of the definition; runs that have begun keep theirs. Needs
 * EMPLOYEES_WRITE. CONFLICT for a stale `ifVersion` and for an employee that has left.
 */
export async function updateEmployee(tx: Tx, input: UpdateEmployeeInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'EMPLOYEES_WRITE')
  const { id, ifVersion, ...patch } = input
  const employee = await lockEmployee(tx, { id, ifVersion })
  if (employee.status === 'OFFBOARDED') {
    throw conflict('CLOSED', 'This employee has left and does not change any more.', { kind: 'employee', id })
  }
  const changes = changesBetween({ ...definitionOf(employee) }, patch)
  if (changes.length === 0) return { id }
  const definition = { ...definitionOf(employee), ...withoutUndefined(patch) }
  await save(tx, employee, { ...definition, status: employee.status }, employeeEvents.updated.type, changes)
  return { id }
}

/**
 * Stops an employee: it takes no new runs, and those that run stop at their next boundary. Needs EMPLOYEES_WRITE. CONFLICT
 * unless it is ACTIVE.
 */
export async function pauseEmployee(tx: Tx, input: ChangeEmployeeStatusInput): Promise<{ readonly id: string }> {
  await changeStatus(tx, input, 'PAUSED', employeeEvents.paused.type)
  return { id: input.id }
}

/** Lets an employee work again, and what stood still go on. Needs EMPLOYEES_WRITE. CONFLICT unless it is PAUSED. */
export async function resumeEmployee(tx: Tx, input: ChangeEmployeeStatusInput): Promise<{ readonly id: string }> {
  await changeStatus(tx, input, 'ACTIVE', employeeEvents.resumed.type)
  await wakeRunsOfEmployee(tx, input.id)
  return { id: input.id }
}

/**
 * Lets an employee go, for good: its open runs are cancelled and what they asked for expires. Needs EMPLOYEES_WRITE.
 * CONFLICT when it has left already.
 */
export async function offboardEmployee(tx: Tx, input: ChangeEmployeeStatusInput): Promise<{ readonly id: string }> {
  await changeStatus(tx, input, 'OFFBOARDED', employeeEvents.offboarded.type)
  await cancelRunsOfEmployee(tx, input.id, 'The employee was offboarded.')
  return { id: input.id }
}

async function changeStatus(
  tx: Tx,
  input: ChangeEmployeeStatusInput,
  status: EmployeeStatus,
  eventType: string,
): Promise<void> {
  requirePermission(tx.viewer, 'EMPLOYEES_WRITE')
  const employee = await lockEmployee(tx, input)
  if (!canEmployeeGo(employee.status, status)) {
    throw conflict('ILLEGAL_TRANSITION', `An employee that is ${employee.status} cannot become ${status}.`, {
      kind: 'employee',
      id: employee.id,
    })
  }
  const changes = changesBetween({ status: employee.status }, { status })
  await save(tx, employee, { ...definitionOf(employee), status }, eventType, changes)
}

async function lockEmployee(tx: Tx, { id, ifVersion }: ChangeEmployeeStatusInput): Promise<Employee> {
  const row = await tx.sql.selectFrom('employee').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  if (row === undefined) throw notFound('Employee', encodeId('employee', id))
  if (ifVersion != null && ifVersion !== row.version) {
    throw conflict('STALE_VERSION', `This employee has changed: it is at version ${row.version}.`, {
      kind: 'employee',
      id,
    })
  }
  return row as Employee
}

/** Writes the next version. Each one has its definition, so that whenever a run begins, there is one to pin it to. */
async function save(
  tx: Tx,
  employee: Employee,
  next: EmployeeDefinition & { readonly status: EmployeeStatus },
  eventType: string,
  changes: readonly FieldChange[],
): Promise<void> {
  const version = employee.version + 1
  const { status, ...definition } = next
  await keepVersion(tx, employee.id, version, definition)
  await tx.sql
    .updateTable('employee')
    .set({ ...definition, status, nameFolded: fold(definition.name), version, updatedAt: tx.now })
    .where('id', '=', employee.id)
    .execute()
  appendEvents(tx, [
    { type: eventType, subject: { kind: 'employee', id: employee.id }, subjectVersion: version, changes },
  ])
}

async function keepVersion(tx: Tx, employeeId: string, version: number, definition: EmployeeDefinition): Promise<void> {
  await tx.sql
    .insertInto('employeeVersion')
    .values({ workspaceId: tx.workspaceId, employeeId, version, definition: json(definition), createdAt: tx.now })
    .execute()
}

function definitionOf(employee: Employee): EmployeeDefinition {
  const { name, role, title, email, instructions, autonomy, tools, model } = employee
  return { name, role, title, email, instructions, autonomy, tools, model }
}

const withoutUndefined = <Fields extends object>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Field in keyof Fields]: Exclude<Fields[Field], undefined>
  }
