import { z } from 'zod'
import { EMPLOYEE_ROLES, type EmployeeRole } from '../employees/model.ts'
import type { Setting } from './kinds.ts'

/*
 * Settings that name models. Which models there are, the agent knows: a name that has no price would only end runs, so it is
 * refused when it is set.
 */

let isKnown: ((model: string) => boolean) | undefined

/** Says which models can be named; every process that serves calls it before its first request. */
export function connectModels(has: (model: string) => boolean): void {
  isKnown = has
}

const modelName = z
  .string()
  .trim()
  .refine((name) => isKnown === undefined || isKnown(name), {
    message: 'No model of this name has a price here.',
    params: { code: 'UNKNOWN_REFERENCE' },
  })

const ONE_OF_PRICED = 'One that has a price.'

/** The name of a model; null is the server’s own choice, and the default. */
export function model(options: { readonly description: string }): Setting<string | null> {
  return {
    kind: 'TEXT',
    description: options.description,
    default: null,
    bounds: `The server’s choice unless set. ${ONE_OF_PRICED}`,
    input: modelName,
    store: (value) => value,
    load: (stored) => stored as string | null,
    told: (value) => value,
  }
}

/** Which model employees of a role think with. */
export interface ModelOfRole {
  readonly role: EmployeeRole
  readonly model: string
}

export function modelsOfRoles(options: { readonly description: string }): Setting<readonly ModelOfRole[]> {
  return {
    kind: 'MODEL_OF_ROLES',
    description: options.description,
    default: [],
    bounds: `None unless set. ${ONE_OF_PRICED} Each role once.`,
    input: z
      .array(z.object({ role: z.enum(EMPLOYEE_ROLES), model: modelName }))
      .refine((given) => new Set(given.map(({ role }) => role)).size === given.length, {
        message: 'A role stands here twice.',
        params: { code: 'DUPLICATE' },
      }),
    store: (value) => value.map(({ role, model: name }) => ({ role, model: name })),
    load: (stored) => stored as readonly ModelOfRole[],
    told: (value) =>
      value.length === 0 ? 'none' : value.map(({ role, model: name }) => `${role}: ${name}`).join(', '),
  }
}
