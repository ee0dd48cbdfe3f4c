import { z } from 'zod'
import { publicId } from '../../platform/lib/parse.ts'
import { normaliseEmail } from '../contacts/model.ts'

/*
 * An employee: a worker made of a definition (role, instructions, autonomy, tools, model) and a model that thinks.
 *
 * ACTIVE      takes new runs and works them.
 * PAUSED      takes no new runs; those that run stop at their next boundary. It can be resumed.
 * OFFBOARDED  has left for good. Final.
 *
 * Each change makes a new version of the definition; a run keeps the one it began with.
 */

export const EMPLOYEE_STATUSES = ['ACTIVE', 'PAUSED', 'OFFBOARDED'] as const
export type EmployeeStatus = (typeof EMPLOYEE_STATUSES)[number]

export const EMPLOYEE_ROLES = [
  'SALES_AE',
  'SDR',
  'CSM',
  'PM',
  'RECRUITER',
  'SUPPORT',
  'ASSISTANT',
  'CHIEF_OF_STAFF',
  'CUSTOM',
] as const
export type EmployeeRole = (typeof EMPLOYEE_ROLES)[number]

/** From least to most. */
export const AUTONOMIES = ['OBSERVE', 'DRAFT', 'SUPERVISED', 'AUTONOMOUS'] as const
export type Autonomy = (typeof AUTONOMIES)[number]

const TRANSITIONS: Readonly<Record<EmployeeStatus, readonly EmployeeStatus[]>> = {
  ACTIVE: ['PAUSED', 'OFFBOARDED'],
  PAUSED: ['ACTIVE', 'OFFBOARDED'],
  OFFBOARDED: [],
}

/** Whether an employee may go from one status to the other. */
export const canEmployeeGo = (from: EmployeeStatus, to: EmployeeStatus): boolean => TRANSITIONS[from].includes(to)

/** The tools there are; an employee is granted some of them. */
export const EMPLOYEE_TOOLS = [
  'qualify_submission',
  'update_contact',
  'open_deal',
  'send_inbox_message',
  'send_email',
] as const
export type EmployeeTool = (typeof EMPLOYEE_TOOLS)[number]

/** What a run is pinned to: the employee as it was at one version. */
export const employeeDefinition = z.object({
  name: z.string(),
  role: z.enum(EMPLOYEE_ROLES),
  title: z.string(),
  email: z.string().nullable(),
  instructions: z.string(),
  autonomy: z.enum(AUTONOMIES),
  tools: z.array(z.string()),
  /** Null is the workspace's default. */
  model: z.string().nullable(),
})
export type EmployeeDefinition = z.output<typeof employeeDefinition>

const employeeId = publicId('employee', 'Employee')
const ifVersion = z.int().nullish()
const name = z.string().trim().min(2).max(255)
const title = z.string().trim().min(2).max(255)
const instructions = z.string().max(20_000)
const email = z
  .string()
  .refine((text) => normaliseEmail(text) !== undefined, {
    message: 'This is no e-mail address.',
    params: { code: 'INVALID_FORMAT' },
  })
  .transform((text) => text.trim())
const tools = z.array(z.enum(EMPLOYEE_TOOLS)).refine((names) => new Set(names).size === names.length, {
  message: 'A tool stands here twice.',
  params: { code: 'DUPLICATE' },
})
const model = z.string().trim().min(1).max(100)

export const createEmployeeInput = z.object({
  id: employeeId.nullish(),
  name,
  role: z.enum(EMPLOYEE_ROLES),
  title,
  email: email.nullish(),
  instructions: instructions.nullish(),
  autonomy: z.enum(AUTONOMIES),
  tools: tools.nullish(),
  model: model.nullish(),
})
export type CreateEmployeeInput = z.output<typeof createEmployeeInput>

/** Left out means unchanged, null means cleared. */
export const updateEmployeeInput = z.object({
  id: employeeId,
  ifVersion,
  name: name.optional(),
  role: z.enum(EMPLOYEE_ROLES).optional(),
  title: title.optional(),
  email: email.nullish(),
  instructions: instructions.optional(),
  autonomy: z.enum(AUTONOMIES).optional(),
  tools: tools.optional(),
  model: model.nullish(),
})
export type UpdateEmployeeInput = z.output<typeof updateEmployeeInput>

export const changeEmployeeStatusInput = z.object({ id: employeeId, ifVersion })
export type ChangeEmployeeStatusInput = z.output<typeof changeEmployeeStatusInput>
