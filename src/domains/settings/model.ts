import { z } from 'zod'
import type { Told } from '../../platform/events/changes.ts'
import { formLimits } from './form-limits.ts'
import { dollarLimit, duration, email, percentages, type Setting, wholeNumber } from './kinds.ts'
import { model, modelsOfRoles } from './models.ts'
import { origins } from './origins.ts'

/*
 * What a workspace can set. Each setting is defined here, once: its type, default, bounds and what it does. The schema, the
 * parser and the columns follow from it. A workspace's row keeps only what is set otherwise than by default, so a new
 * default reaches everybody who has not chosen.
 *
 * Whoever needs a setting reads it in the transaction or statement in which it counts (`readSettings`, or `settingsOf` where
 * the workspace's row is read anyway): a change holds from the next such moment on, in every process.
 */

export { ownOf as ownFormLimits } from './form-limits.ts'
export { isoDuration, type SettingKind } from './kinds.ts'
export { connectModels, type ModelOfRole } from './models.ts'
export { lists as listsOrigin } from './origins.ts'

export const SETTINGS = {
  approvalExpiry: duration({
    description:
      'How long somebody has to decide what an employee asks; then it expires, and the employee goes on without. Approvals ' +
      'that are open keep their time.',
    default: 'P1D',
    min: 'PT5M',
    max: 'P30D',
  }),
  monthlyBudget: dollarLimit({
    description:
      'What a month of model calls may cost, in US dollars, by UTC, beside what a day may. With more than before, the runs ' +
      'that wait for it go on.',
    min: 0n,
    max: 1_000_000_000_000n,
  }),
  budgetAlerts: percentages({
    description:
      'At which parts of a day’s and a month’s budget, in percent, `budget.threshold_reached` is told: once each time that ' +
      'what was spent gets there.',
    default: [80],
    most: 10,
  }),
  defaultModel: model({
    description: 'The model of employees that name none, from the next part of a run on.',
  }),
  roleModels: modelsOfRoles({
    description: 'The models of employees that name none, by their role. A role that is not here has `defaultModel`.',
  }),
  maxTurns: wholeNumber({
    description:
      'How often one run may ask its model; after that it fails with STEP_LIMIT. It counts from the next part of a run on.',
    default: 12,
    min: 1,
    max: 100,
  }),
  stuckAfter: duration({
    description: 'For how long a run may finish no step until its employee counts as STUCK.',
    default: 'PT10M',
    min: 'PT1M',
    max: 'P7D',
  }),
  reviewSubmissionsAfter: duration({
    description:
      'How long after it came a submission that nobody works on any more, and that is not done, becomes NEEDS_REVIEW.',
    default: 'PT30M',
    min: 'PT5M',
    max: 'P7D',
  }),
  formLimits: formLimits({
    description:
      'What forms turn away that have set nothing else of their own, from the next submission on. What is left out of it is as ' +
      'unless set.',
  }),
  allowedOrigins: origins({
    description:
      'Whose web pages may send the workspace’s forms, by a script or without: what a page of another origin sends is refused. ' +
      'The forms’ own pages always may. With none, pages of any origin may send a form, and scripts of those origins that the ' +
      'server allows.',
  }),
  mailAddress: email({
    description:
      'The address of an employee who has none of its own: the sender of its mail where that leaves through a mail server of ' +
      'the workspace’s own, else where answers go.',
  }),
  replyTo: email({
    description: 'Where answers to employees’ mail go, instead of to the employee’s address.',
  }),
} as const

export type SettingName = keyof typeof SETTINGS

/** All settings of a workspace as they hold: durations in milliseconds, dollars in micros. */
export type Settings = { readonly [Name in SettingName]: (typeof SETTINGS)[Name]['default'] }

type AnySetting = Setting<unknown>

/** Every setting by its name, where which one does not matter. */
export const ALL_SETTINGS = Object.entries(SETTINGS) as unknown as readonly (readonly [SettingName, AnySetting])[]

/** The settings that hold for a workspace with this column `settings`. */
export function settingsOf(stored: unknown): Settings {
  const kept = stored as Readonly<Partial<Record<SettingName, unknown>>>
  return Object.fromEntries(
    ALL_SETTINGS.map(([name, setting]) => [
      name,
      kept[name] === undefined ? setting.default : setting.load(kept[name]),
    ]),
  ) as unknown as Settings
}

/** What the column keeps of settings: those that are not as by default. */
export function storedSettings(settings: Settings): Readonly<Record<string, unknown>> {
  const kept = ALL_SETTINGS.map(([name, setting]) => [name, setting.store(settings[name])] as const)
  return Object.fromEntries(kept.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaultOf(name))))
}

const defaultOf = (name: SettingName): unknown => (SETTINGS[name] as AnySetting).store(SETTINGS[name].default)

/** Settings as a person would write them, for what is told of a change. */
export const toldSettings = (settings: Settings): Record<string, Told> =>
  Object.fromEntries(ALL_SETTINGS.map(([name, setting]) => [name, setting.told(settings[name])]))

/** Each setting left out is unchanged, null is its default. */
export const updateSettingsInput = z
  .object({
    ifVersion: z.int().nullish(),
    ...Object.fromEntries(ALL_SETTINGS.map(([name, setting]) => [name, setting.input.nullish()])),
  })
  .transform(({ ifVersion, ...given }) => ({ ifVersion, given: withDefaults(given) }))

export interface UpdateSettingsInput {
  readonly ifVersion?: number | null | undefined
  readonly given: Partial<Settings>
}

function withDefaults(given: Readonly<Record<string, unknown>>): Partial<Settings> {
  const chosen = ALL_SETTINGS.flatMap(([name, setting]) => {
    const value = given[name]
    return value === undefined ? [] : [[name, value ?? setting.default]]
  })
  return Object.fromEntries(chosen) as Partial<Settings>
}
