// What a form's draft is made of, and what is different between two of them.

import { isDeepStrictEqual } from 'node:util'
import type { FieldChange } from '../../platform/events/event.ts'
import { parseInput } from '../../platform/lib/parse.ts'
import { type FormDefinition, type FormDefinitionInput, formDefinitionSchema } from './model.ts'

const PARTS = ['fields', 'instructions', 'criteria', 'response', 'requestedTools'] as const

/** The parts of a definition that an input names; null is as good as left out where the whole has a default. */
export function partsOf(input: Partial<FormDefinitionInput>): FormDefinitionInput {
  return Object.fromEntries(
    PARTS.flatMap((part) => (input[part] === undefined ? [] : [[part, input[part] ?? undefined]])),
  )
}

/** Throws INVALID_INPUT with the path of each issue. */
export const parseDefinition = (parts: object): FormDefinition => parseInput(formDefinitionSchema, parts)

/** What is different between two drafts, part by part; none for drafts that say the same. */
export function draftChanges(before: FormDefinition, after: FormDefinition): FieldChange[] {
  return PARTS.flatMap((part): FieldChange[] => {
    if (isDeepStrictEqual(before[part], plain(after[part]))) return []
    return [{ field: part, from: tell(before, part), to: tell(after, part) }]
  })
}

/** As it will be read again: what is undefined is not there. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** A part in a few words, for the log: texts can be long, and stand in the form and its versions anyway. */
function tell(definition: FormDefinition, part: (typeof PARTS)[number]): string {
  switch (part) {
    case 'fields':
      return definition.fields.map((field) => field.key).join(', ')
    case 'criteria':
      return `${definition.criteria.conditions.length} conditions, threshold ${definition.criteria.threshold}`
    case 'instructions':
      return cut(definition.instructions)
    case 'response':
      return cut(definition.response.redirectUrl ?? definition.response.message ?? '')
    case 'requestedTools':
      return definition.requestedTools.join(', ')
  }
}

const cut = (text: string): string => (text.length <= 255 ? text : `${text.slice(0, 254)}…`)
